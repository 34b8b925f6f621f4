// Keys: what each does, kept per person on the server, so that a foot pedal set up once works everywhere. A key is written as the
// browser names it, with what is held before it: "k", "Space", "Shift+z", "F4", "MediaPlayPause". Tab is never taken.

const bench = document.getElementById('bench')
const { pl } = bench
const { settings } = pl.data
const dialog = document.getElementById('bench-keys')
const single = document.getElementById('bench-single')
const said = document.getElementById('bench-keys-said')

const nameOf = (event) => {
  let key = event.key === ' ' ? 'Space' : event.key
  const isGraph = event.getModifierState?.('AltGraph')
  if (event.altKey && !isGraph && /^(Key[A-Z]|Digit\d)$/.test(event.code)) key = event.code.at(-1)
  if (event.altKey && event.code.startsWith('Numpad')) key = event.code // Windows writes characters by their numbers so
  const isLetter = key.length === 1 && key.toLowerCase() !== key.toUpperCase()
  if (isLetter) key = key.toLowerCase()
  const held = [event.ctrlKey && !isGraph && 'Ctrl', event.altKey && !isGraph && 'Alt', event.shiftKey && (isLetter || key.length > 1) && 'Shift', event.metaKey && 'Meta']
  return [...held.filter(Boolean), key].join('+')
}
// A single printable key is only a shortcut while nobody writes, and only where the person wants such shortcuts.
const isPlain = (name) => /^(Shift\+)?(.|Space)$/u.test(name)
const isPedal = (name) => /^F\d+$|^Media|^Audio|^Launch|^Browser/.test(name.split('+').at(-1))

let byKey = new Map()
let always = new Map()
// The key that stands on a button: the first that works as things are set.
const firstOf = (action) => [...settings.keys[action], ...(settings.always[action] ?? [])].find((name) => settings.single || !isPlain(name)) ?? ''
const index = ({ keys, always: those }) => {
  Object.assign(settings, { keys, always: those })
  always = new Map(Object.entries(those).flatMap(([action, names]) => names.map((name) => [name, action])))
  byKey = new Map(Object.entries(keys).flatMap(([action, names]) => names.map((name) => [name, action])))
  for (const [action, names] of Object.entries(keys)) {
    const cell = dialog.querySelector(`[data-keys="${action}"]`)
    cell?.replaceChildren(...names.flatMap((name) => [Object.assign(document.createElement('kbd'), { textContent: name }), ' ']))
    const first = firstOf(action)
    for (const shown of bench.querySelectorAll(`:is([data-do="${action}"], [data-key="${action}"]) kbd`)) {
      shown.textContent = first.replace(/(^|\+)[a-z]$/, (letter) => letter.toUpperCase()).replace('Escape', 'Esc')
      shown.hidden = !first
    }
  }
  document.getElementById('bench-codes')?.classList.toggle('has-long-keys', [1, 2, 3, 4, 5, 6, 7, 8, 9].some((digit) => firstOf(`code-${digit}`).length > 3))
}
index(settings)

const isTyping = (element) => element.closest?.('textarea, select, [contenteditable="true"], input:not([type="radio"], [type="checkbox"], [type="button"])')
const needsSpace = (element) => element.closest?.('button, summary, a[href], input[type="checkbox"], input[type="radio"]:not(:checked)')
const REPEATS = new Set(['back', 'on', 'turn-back', 'turn-on', 'nudge-back', 'nudge-on', 'slower', 'faster', 'zoom-in', 'zoom-out'])

const act = (event, action) => {
  if (!pl.actions[action]) return
  event.preventDefault()
  if (!event.repeat || REPEATS.has(action)) pl.actions[action]()
}
document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.defaultPrevented || document.querySelector('dialog[open], details[data-pl-menu][open]')) return
  const name = nameOf(event)
  if (name === 'Tab' || name === 'Shift+Tab') return
  if (event.key === 'Escape' && pl.hideAbout?.()) return event.preventDefault()
  if (always.has(name)) return act(event, always.get(name))
  if ((event.ctrlKey || event.metaKey) && event.key === 'Enter' && isTyping(event.target)) { event.preventDefault(); return pl.actions.written?.() }
  const action = byKey.get(name)
  if (action && isPedal(name)) return act(event, action)
  if (isTyping(event.target) || (isPlain(name) && !settings.single)) return
  if (name === 'Space' && needsSpace(event.target)) return
  if (!event.repeat && pl.letter?.(name)) return event.preventDefault()
  if (action && /Arrow|Home|End|Page/.test(name) && !name.includes('+') && event.target.closest?.('[role="slider"], [role="separator"], [role="tab"], input')) return
  if (action) act(event, action)
})

// Keeping

pl.keep = async (values) => {
  try {
    const response = await pl.post(bench.dataset.keep, { settings: JSON.stringify(values) })
    const answer = await response.json()
    return response.ok ? answer : { error: answer.error ?? 'That could not be kept.' }
  } catch {
    return { error: 'That could not be kept: no connection. Try again in a moment.' }
  }
}

const wordSingle = () => { single.nextElementSibling.textContent = `Single-key shortcuts are ${single.checked ? 'on' : 'off'}` }
single.addEventListener('change', async () => {
  settings.single = single.checked
  index(settings)
  wordSingle()
  const { error } = await pl.keep({ has_single_keys: single.checked })
  if (error) said.textContent = error
})
wordSingle()

// Another key: choose Change, then press it. Escape leaves it as it is.

let asking = null
const ask = (button) => {
  asking = button.dataset.remap
  for (const other of dialog.querySelectorAll('[data-remap]')) other.classList.toggle('is-asking', other === button)
  said.textContent = 'Press the new key or the pedal now. Escape leaves it as it is.'
}
const stop = (sentence) => {
  asking = null
  for (const other of dialog.querySelectorAll('[data-remap]')) other.classList.remove('is-asking')
  said.textContent = sentence
}
const keep = async (own, sentence) => {
  const answer = await pl.keep({ keys: own })
  if (answer.error) return stop(answer.error)
  settings.own = answer.own
  index(answer)
  stop(sentence)
}
dialog.addEventListener('click', (event) => { const button = event.target.closest('[data-remap]'); if (button) ask(button) })
dialog.addEventListener('keydown', (event) => {
  if (!asking || ['Shift', 'Control', 'Alt', 'Meta', 'AltGraph'].includes(event.key)) return
  if (event.key === 'Tab') return stop('')
  event.preventDefault()
  event.stopPropagation()
  if (event.key === 'Escape') return stop('Nothing was changed.')
  const name = nameOf(event)
  keep({ ...settings.own, [asking]: name }, `${name} it is.`)
})
dialog.addEventListener('cancel', (event) => { if (asking) { event.preventDefault(); stop('Nothing was changed.') } })
document.getElementById('bench-usual').addEventListener('click', () => keep({}, 'The usual keys are back.'))
Object.assign((pl.actions ??= {}), { keys: () => { stop(''); dialog.showModal() } })
