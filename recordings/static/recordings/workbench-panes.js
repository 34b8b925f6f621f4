// The parts of the workbench: two tabs beside the transcript, three where there is no room for it; and how much room each has, by
// dragging or with the arrow keys, remembered on this machine.

const bench = document.getElementById('bench')
const { pl } = bench
const remembered = {
  get: (name) => { try { return localStorage.getItem(`plumbline.${name}`) } catch { return null } },
  set: (name, value) => { try { localStorage.setItem(`plumbline.${name}`, value) } catch { /* private window: not remembered */ } },
}

const tabs = [...bench.querySelectorAll('[role="tab"]')]
const isNarrow = matchMedia('(max-width: 59.99em)')
pl.open = (name, { focus = false } = {}) => {
  if (name === 'transcript' && !isNarrow.matches) return
  for (const tab of tabs) {
    const panel = document.getElementById(tab.getAttribute('aria-controls'))
    const isOpen = tab.id === `tab-${name}`
    tab.setAttribute('aria-selected', String(isOpen))
    tab.tabIndex = isOpen ? 0 : -1
    panel.classList.toggle('is-open', isOpen)
    panel.setAttribute('role', 'tabpanel')
    panel.setAttribute('aria-labelledby', tab.id)
    if (isOpen && focus) tab.focus()
  }
  pl.tab = name
}
// By key the focus goes along, to where there is something to do: a place, not a control, so that Space goes on playing.
const go = (name, place) => {
  pl.open(name)
  place.tabIndex = -1
  place.focus()
}
const annotations = document.getElementById('bench-annotations')
const rating = document.getElementById('bench-rating')
const unrated = () => [...rating.querySelectorAll('[data-item]')].find((form) => !form.querySelector('[name="score"]:checked'))
Object.assign((pl.actions ??= {}), { annotations: () => go('annotations', annotations), rating: () => go('rating', unrated() ?? rating) })
for (const tab of tabs) tab.addEventListener('click', () => pl.open(tab.id.slice(4)))
bench.querySelector('[role="tablist"]').addEventListener('keydown', (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
  const there = tabs.filter((tab) => tab.offsetParent)
  if (!step) return
  event.preventDefault()
  pl.open(there[(there.indexOf(document.activeElement) + step + there.length) % there.length].id.slice(4), { focus: true })
})
const arrange = () => { if (isNarrow.matches ? !pl.tab : pl.tab !== 'rating') pl.open(isNarrow.matches ? 'transcript' : 'annotations') }
isNarrow.addEventListener('change', arrange)
arrange()
if (/^#(item|words)-/.test(location.hash)) pl.open('rating')
if (location.hash.startsWith('#annotation-')) pl.open('annotations')

// A border between two parts: `read` gives what a pointer's place means, `write` shows it.

const border = (id, name, { step, read, write, words }) => {
  const element = document.getElementById(id)
  const [least, most] = [Number(element.getAttribute('aria-valuemin')), Number(element.getAttribute('aria-valuemax'))]
  const usual = Number(element.getAttribute('aria-valuenow'))
  const set = (value, { keep = true } = {}) => {
    const size = Math.min(most, Math.max(least, Math.round(value)))
    element.setAttribute('aria-valuenow', String(size))
    element.setAttribute('aria-valuetext', words(size))
    write(size)
    if (keep) remembered.set(name, size)
    pl.wave?.later()
  }
  const now = () => Number(element.getAttribute('aria-valuenow'))
  element.addEventListener('keydown', (event) => {
    const by = { ArrowUp: -step, ArrowDown: step, ArrowLeft: step, ArrowRight: -step }[event.key]
    const to = event.key === 'Home' ? least : event.key === 'End' ? most : event.key === 'Enter' ? usual : by && now() + by
    if (to === undefined) return
    event.preventDefault()
    event.stopPropagation()
    set(to)
  })
  element.addEventListener('pointerdown', (event) => { event.preventDefault(); element.setPointerCapture(event.pointerId); element.focus() })
  element.addEventListener('pointermove', (event) => { if (element.hasPointerCapture(event.pointerId)) set(read(event)) })
  element.addEventListener('dblclick', () => set(usual))
  const stored = Number(remembered.get(name))
  set(stored || usual, { keep: false })
}
border('bench-split-panes', 'side', {
  step: 2,
  read: (event) => { const box = bench.getBoundingClientRect(); return (100 * (box.right - event.clientX)) / box.width },
  write: (size) => bench.style.setProperty('--pl-bench-side', `${size}%`),
  words: (size) => `${size} per cent of the width`,
})
border('bench-split-waves', 'waves', {
  step: 16,
  read: (event) => event.clientY - document.getElementById('bench-zoom').getBoundingClientRect().top - (document.getElementById('bench-zoom').offsetHeight - document.querySelector('#bench-zoom canvas').offsetHeight),
  write: (size) => bench.style.setProperty('--pl-bench-wave', `${size}px`),
  words: (size) => `${size} pixels`,
})
