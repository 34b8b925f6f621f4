// A code chosen by its name: for those that have no key of their own, and those under another. The letters that are typed narrow the
// list; the mark begins where the list was opened, however long the choosing takes.

const bench = document.getElementById('bench')
const { pl } = bench
const dialog = document.getElementById('bench-byname')
const text = document.getElementById('bench-byname-text')
const list = document.getElementById('bench-byname-list')
const said = document.getElementById('bench-byname-said')

const plain = (words) => words.toLowerCase().normalize('NFD').replace(/\p{M}/gu, '')
const nameOf = (code) => (code.parent ? `${pl.notes.name(code.parent)}: ${code.name}` : code.name)
let openedAt = 0
let those = []
let chosen = 0

// First the codes that begin so, then those of which a word begins so.
const found = () => {
  const wanted = plain(text.value.trim())
  const begins = (code) => plain(code.name).startsWith(wanted)
  const has = (code) => plain(nameOf(code)).split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(wanted))
  return wanted ? [...pl.currentCodes.filter(begins), ...pl.currentCodes.filter((code) => !begins(code) && has(code))] : pl.currentCodes
}
const choose = (at) => {
  chosen = Math.min(Math.max(0, at), those.length - 1)
  for (const [place, option] of [...list.children].entries()) option.setAttribute('aria-selected', String(place === chosen))
  const option = list.children[chosen]
  if (option) text.setAttribute('aria-activedescendant', option.id)
  else text.removeAttribute('aria-activedescendant')
  option?.scrollIntoView({ block: 'nearest' })
}
const show = () => {
  those = found()
  list.replaceChildren(...those.map((code, at) => {
    const option = document.createElement('li')
    Object.assign(option, { id: `byname-${at}`, className: 'pl-byname__one' })
    option.setAttribute('role', 'option')
    option.append(pl.notes.shape(code.slug), nameOf(code))
    return option
  }))
  list.hidden = !those.length
  said.textContent = those.length ? '' : 'No code has that name. Type other letters.'
  choose(0)
}
const mark = (at) => {
  const code = those[at]
  if (!code) return
  dialog.close()
  pl.hit(code.slug, openedAt)
}
text?.addEventListener('input', show)
text?.addEventListener('keydown', (event) => {
  if (event.isComposing) return
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step) choose(chosen + step)
  else if (event.key === 'Enter') mark(chosen)
  else return
  event.preventDefault()
})
list?.addEventListener('click', (event) => {
  const option = event.target.closest('[role="option"]')
  if (option) mark([...list.children].indexOf(option))
})
dialog?.querySelector('[data-close]').addEventListener('click', () => dialog.close())

Object.assign((pl.actions ??= {}), {
  'code-by-name': () => {
    if (!dialog) return pl.hint('This review was submitted. It can no longer be changed.')
    openedAt = pl.now()
    dialog.querySelector('[data-slot="where"]').textContent = pl.clock(openedAt)
    text.value = ''
    show()
    dialog.showModal()
  },
})
