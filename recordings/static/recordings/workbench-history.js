// What was done, so that all of it can be undone and done again: {back, forth, said}, in the order of doing. Only in this page's
// memory; the server keeps what is, not how it came about.

const bench = document.getElementById('bench')
const { pl } = bench
const MOST = 500
const PAUSE = 800 // milliseconds without a key: what was typed until then is one step

const done = []
const undone = []
let isReplaying = false

pl.did = (entry) => {
  if (isReplaying) return
  done.push(entry)
  if (done.length > MOST) done.shift()
  undone.length = 0
}
const typing = new Set() // what closes the step that is being typed
const replay = (from, to, way, words) => {
  for (const close of typing) close()
  const entry = from.pop()
  if (!entry) return pl.hint(`Nothing to ${words}.`)
  isReplaying = true
  try { entry[way]() } finally { isReplaying = false }
  to.push(entry)
  document.getElementById('bench-undo').hidden = true
  pl.say(`${words === 'undo' ? 'Undone' : 'Done again'}: ${entry.said}`)
}
pl.isReplaying = () => isReplaying
// The words of a field: each pause of the typing is a step. `put` writes others into it and saves them; `said` names the field.
pl.typed = (area, { put, said }) => {
  let was = area.value
  let timer = 0
  const close = () => {
    clearTimeout(timer)
    typing.delete(close)
    const [before, after] = [was, area.value]
    was = after
    const set = (text) => { was = text; put(text) }
    if (before !== after) pl.did({ back: () => set(before), forth: () => set(after), said: said() })
  }
  area.addEventListener('focus', () => { if (!typing.has(close)) was = area.value })
  area.addEventListener('input', () => {
    typing.add(close)
    clearTimeout(timer)
    timer = setTimeout(close, PAUSE)
  })
  area.addEventListener('blur', close)
}
Object.assign((pl.actions ??= {}), {
  undo: () => replay(done, undone, 'back', 'undo'),
  redo: () => replay(undone, done, 'forth', 'redo'),
})

// The form of the instrument saves by itself; here its changes are only remembered. A control is put back as a person would do it. The
// annotations that a rating rests on come and go with the list: workbench-rating.js remembers them itself.

const controls = (form) => [...form.querySelectorAll('input:not([type="hidden"], [type="search"]), select, textarea')].filter((one) => one.name && one.name !== 'evidence')
const stateOf = (form) => controls(form).map((one) => (['radio', 'checkbox'].includes(one.type) ? one.checked : one.value))
const put = (form, state) => {
  const all = controls(form)
  const changed = all.filter((one, at) => {
    const isTick = ['radio', 'checkbox'].includes(one.type)
    if (state[at] === undefined || (isTick ? one.checked : one.value) === state[at]) return false
    if (isTick) one.checked = state[at]
    else one.value = state[at]
    return true
  })
  const last = changed.find((one) => one.checked) ?? changed[0]
  last?.dispatchEvent(new Event(last.tagName === 'TEXTAREA' ? 'input' : 'change', { bubbles: true }))
  pl.open?.('rating')
  before.set(form, stateOf(form))
}
const before = new Map()
const pane = document.getElementById('bench-rating')
for (const form of pane.querySelectorAll('form[data-item]')) before.set(form, stateOf(form))
pane.addEventListener('change', (event) => {
  const form = event.target.closest('form[data-item]')
  if (!form || isReplaying || event.target.name === 'evidence') return
  const was = before.get(form) ?? []
  const is = stateOf(form)
  before.set(form, is)
  if (was.join() === is.join()) return
  const name = form.querySelector('.pl-item__name')?.textContent.trim() ?? 'rating'
  pl.did({ back: () => put(form, was), forth: () => put(form, is), said: name })
}, true)
