// The bar of codes: a digit or a click marks; where a code has others under it, a letter right after says which; what a code means
// is shown while it is pointed at or has the focus.

const bench = document.getElementById('bench')
const { pl } = bench
const bar = document.getElementById('bench-codes')
const under = document.getElementById('bench-under')
const about = document.getElementById('bench-about')
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const OPEN_FOR = 4000 // milliseconds in which a letter means a code; the note's own field has no such limit

const current = new Set([...document.querySelectorAll('[id^="about-"]')].map((one) => one.id.slice(6)))
const childrenOf = (slug) => pl.data.codes.filter((code) => code.parent === slug && current.has(code.slug))
let open = []
let closing = 0

const close = () => {
  clearTimeout(closing)
  open = []
  if (!under || under.hidden) return
  const hadFocus = under.contains(document.activeElement)
  under.hidden = true
  under.replaceChildren()
  if (hadFocus) bar.querySelector('button')?.focus()
}
const closeSoon = () => {
  clearTimeout(closing)
  closing = setTimeout(() => { if (under.matches(':hover, :focus-within')) closeSoon(); else close() }, OPEN_FOR)
}
const offer = (slug) => {
  open = childrenOf(slug)
  if (!open.length) return close()
  const letters = pl.data.settings.single
  under.replaceChildren(...open.map((code, at) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'pl-codebar__one'
    button.dataset.under = code.slug
    button.setAttribute('aria-describedby', `about-${code.slug}`)
    const key = document.createElement('kbd')
    key.textContent = LETTERS[at]
    const name = document.createElement('span')
    name.textContent = code.name
    button.append(...(letters ? [key] : []), pl.notes.shape(code.slug), name)
    return button
  }))
  under.hidden = false
  closeSoon()
}

const hit = (slug, at) => { pl.actions.mark(slug, at); offer(slug) }
const byKey = (digit) => {
  if (pl.data.isLocked) return pl.hint('This review was submitted. It can no longer be changed.')
  const code = pl.data.codes.find((one) => one.digit === digit && current.has(one.slug))
  if (code) hit(code.slug)
  else pl.hint(`No code has the key ${digit} in this code book.`)
}
pl.hit = hit
pl.currentCodes = pl.data.codes.filter((code) => current.has(code.slug))
Object.assign((pl.actions ??= {}), Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => [`code-${digit}`, () => byKey(digit)])))
// True where the letter was one of those on offer.
pl.letter = (key) => {
  const code = open[LETTERS.indexOf(key)]
  if (key.length !== 1 || !code) { if (open.length) close(); return false }
  pl.actions.recode(code.slug)
  close()
  return true
}
bar?.addEventListener('click', (event) => {
  const slug = event.target.closest('[data-code]')?.dataset.code
  if (!slug) return
  hit(slug)
  if (bar.classList.contains('is-open') && under.hidden) pl.actions.codes()
})
under?.addEventListener('click', (event) => {
  const slug = event.target.closest('[data-under]')?.dataset.under
  if (!slug) return
  pl.actions.recode(slug)
  close()
})

// What a code means. It stays while it is pointed at, and Escape puts it away without stopping the sound.

let opening = 0
let shown = ''
const hide = () => { clearTimeout(opening); about.hidden = true; shown = '' }
const tell = (slug) => {
  const code = pl.data.codes.find((one) => one.slug === slug)
  const text = document.getElementById(`about-${slug}`)?.textContent
  if (!code || !text || shown === slug) return
  shown = slug
  about.querySelector('.pl-about__name').replaceChildren(pl.notes.shape(slug), ` ${code.name}`)
  about.querySelector('.pl-about__text').textContent = text
  const lines = document.getElementById(`examples-${slug}`).textContent.split('\n').map((line) => line.trim()).filter(Boolean)
  about.querySelector('.pl-about__examples').replaceChildren(...lines.map((line) => Object.assign(document.createElement('li'), { textContent: line })))
  about.hidden = false
}
pl.hideAbout = () => { if (about.hidden) return false; hide(); return true }
for (const place of [bar, under]) {
  place?.addEventListener('pointerover', (event) => {
    const button = event.target.closest('[data-code], [data-under]')
    clearTimeout(opening)
    if (button && event.pointerType === 'mouse') opening = setTimeout(() => tell(button.dataset.code ?? button.dataset.under), shown ? 80 : 450)
  })
  place?.addEventListener('focusin', (event) => {
    const button = event.target.closest('[data-code], [data-under]')
    if (button?.matches(':focus-visible')) tell(button.dataset.code ?? button.dataset.under)
  })
  place?.addEventListener('focusout', hide)
  place?.addEventListener('pointerleave', (event) => { clearTimeout(opening); if (!about.contains(event.relatedTarget)) opening = setTimeout(hide, 250) })
}
about.addEventListener('pointerenter', () => clearTimeout(opening))
about.addEventListener('pointerleave', hide)
