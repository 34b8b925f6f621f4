// The player of the workbench: transport, keys, the transcript that follows, and the report of what was heard.

const bench = document.getElementById('bench')
const { pl } = bench
const audio = document.getElementById('bench-audio')
const slot = (name) => bench.querySelector(`[data-slot="${name}"]`)
const remembered = {
  get: (name, fallback) => { try { return localStorage.getItem(`plumbline.${name}`) ?? fallback } catch { return fallback } },
  set: (name, value) => { try { localStorage.setItem(`plumbline.${name}`, value) } catch { /* private window: not remembered */ } },
}

const BACK_STEP = 1.5 // seconds that a pause is stepped back on going on
const REPORT_EVERY = 10_000
const duration = pl.data.duration
audio.controls = false
audio.preservesPitch = true

// Position

let stoppedHere = false // the last thing that happened was a pause: going on steps back
let stopAt = null
let target = null // where to go once the metadata is there

pl.now = () => Math.round((target ?? audio.currentTime) * 1000)
pl.isPlaying = () => !audio.paused

pl.seek = (ms) => {
  const seconds = Math.min(Math.max(0, ms), duration) / 1000
  stopAt = null
  stoppedHere = false
  if (audio.readyState >= 1) audio.currentTime = seconds
  else target = seconds
  tick()
}

const play = () => {
  if (audio.error || audio.networkState === HTMLMediaElement.NETWORK_NO_SOURCE) return trouble()
  if (audio.ended || pl.now() >= duration - 50) pl.seek(0)
  audio.play().catch((error) => { if (error.name !== 'AbortError') trouble() })
}
const trouble = () => {
  const at = audio.currentTime
  pl.say('The sound could not be played. Trying once more.')
  document.dispatchEvent(new CustomEvent('pl:announce', { detail: 'The sound could not be played. Look at your connection, then press play again.' }))
  audio.load()
  target = at
}
pl.pause = () => audio.pause()
pl.play = () => {
  if (stoppedHere) audio.currentTime = Math.max(0, audio.currentTime - BACK_STEP)
  play()
}
pl.toggle = () => (audio.paused ? pl.play() : pl.pause())
pl.playRange = (start, end) => { pl.seek(start); stopAt = end; play() }

audio.addEventListener('loadedmetadata', () => {
  if (target !== null) audio.currentTime = target
  target = null
})
audio.addEventListener('pause', () => { stoppedHere = true })
audio.addEventListener('error', () => { if (audio.currentTime > 0) trouble() })

if (location.search.includes('at=')) target = Number(new URLSearchParams(location.search).get('at')) / 1000
else target = Math.max(0, pl.data.position / 1000 - (pl.data.position < duration - 2000 ? BACK_STEP : duration / 1000))
if (!Number.isFinite(target)) target = 0
if (audio.readyState >= 1) { audio.currentTime = target; target = null }

// The transcript follows

const pane = document.getElementById('bench-transcript')
const turns = [...bench.querySelectorAll('.pl-turn')].map((element) => ({ element, start: Number(element.dataset.start), end: Number(element.dataset.end), speaker: element.dataset.speaker }))
const words = [...pane.querySelectorAll('[data-t]')].map((element) => ({ element, start: Number(element.dataset.t) })).sort((a, b) => a.start - b.start)
pl.turns = turns
pl.words = words
let litWord = null
let litTurn = null
let letGoUntil = 0
for (const kind of ['wheel', 'touchmove', 'pointerdown']) pane.addEventListener(kind, () => { letGoUntil = Date.now() + 5000 }, { passive: true })

const lastBefore = (list, ms) => {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle].start <= ms) low = middle + 1
    else high = middle
  }
  return low - 1
}

const light = (ms) => {
  const word = words[lastBefore(words, ms)]?.element ?? null
  if (word !== litWord) {
    litWord?.classList.remove('is-now')
    word?.classList.add('is-now')
    litWord = word
  }
  const turn = turns[lastBefore(turns, ms)]?.element ?? null
  if (turn === litTurn) return
  litTurn?.classList.remove('is-now')
  turn?.classList.add('is-now')
  litTurn = turn
  if (turn && Date.now() > letGoUntil) follow(turn)
}
const follow = (turn) => {
  if (pane.scrollHeight <= pane.clientHeight + 4) return // the page scrolls, not the pane: leave it to the reader
  const here = turn.getBoundingClientRect()
  const frame = pane.getBoundingClientRect()
  if (here.top > frame.top + 12 && here.bottom < frame.bottom - 12) return
  const isFar = Math.abs(here.top - frame.top) > 2 * frame.height || matchMedia('(prefers-reduced-motion: reduce)').matches
  turn.scrollIntoView({ block: 'center', behavior: isFar ? 'instant' : 'smooth' })
}
pane.addEventListener('click', (event) => {
  const time = event.target.closest('.pl-turn__time')
  const word = event.target.closest('[data-t]')
  if (time) event.preventDefault()
  if (time) pl.seek(Number(time.parentElement.dataset.start))
  else if (word && !String(getSelection())) pl.seek(Number(word.dataset.t))
})

pl.turn = (step) => {
  if (!turns.length) return pl.seek(pl.now() + step * 10_000)
  const at = lastBefore(turns, pl.now() + (step > 0 ? 50 : 0))
  const isInside = step < 0 && at >= 0 && pl.now() - turns[at].start > 1500
  pl.seek(turns[Math.min(turns.length - 1, Math.max(0, isInside ? at : at + step))].start)
}
const again = () => {
  const turn = turns[lastBefore(turns, pl.now())]
  pl.seek((turn ? turn.start : pl.now() - 10_000) - 1000)
  play()
}

// Each moment

let frame = 0
const tick = () => {
  const ms = pl.now()
  if (stopAt !== null && ms >= stopAt) { stopAt = null; audio.pause(); stoppedHere = false }
  light(ms)
  slot('now').textContent = `${pl.clock(ms)}.${Math.floor(ms / 100) % 10}`
  bench.dispatchEvent(new Event('bench:tick'))
}
const loop = () => { tick(); frame = audio.paused ? 0 : requestAnimationFrame(loop) }
audio.addEventListener('play', () => { slot('play-word').textContent = 'Pause'; if (!frame) frame = requestAnimationFrame(loop) })
audio.addEventListener('pause', () => { slot('play-word').textContent = 'Play' })
audio.addEventListener('timeupdate', tick)
audio.addEventListener('seeked', tick)

// Speed

const setRate = (rate) => {
  audio.defaultPlaybackRate = audio.playbackRate = Math.min(2.5, Math.max(0.5, rate))
  slot('rate').textContent = String(audio.playbackRate)
  remembered.set('speed', audio.playbackRate)
}
setRate(Number(remembered.get('speed', 1)) || 1)
const faster = (step) => { setRate(Math.round((audio.playbackRate + step) * 4) / 4); pl.say(`${audio.playbackRate} times`) }

// What was heard

let from = null
let last = null
let pieces = []
pl.heard = pl.data.heard
const closePiece = () => {
  if (from !== null && last - from > 0.05) pieces.push([Math.round(from * 1000), Math.round(last * 1000)])
  from = last = null
}
audio.addEventListener('playing', () => { closePiece(); from = last = audio.currentTime })
audio.addEventListener('timeupdate', () => {
  if (audio.paused || audio.seeking || from === null) return
  const now = audio.currentTime
  if (now < last || now - last > 3 * audio.playbackRate) { closePiece(); from = now }
  last = now
})
for (const kind of ['pause', 'ended', 'seeking']) {
  audio.addEventListener(kind, () => {
    if (kind !== 'seeking' && from !== null && audio.currentTime >= last && audio.currentTime - last < 1) last = audio.currentTime
    closePiece()
  })
}
audio.addEventListener('seeked', () => { if (!audio.paused) from = last = audio.currentTime })

let savedPosition = pl.now() // where we begin: nothing to report until somebody moves
const report = async ({ keepalive = false } = {}) => {
  if (from !== null) {
    const [start, end] = [from, last]
    closePiece()
    if (!audio.paused) from = last = Math.max(start, end)
  }
  if (!pieces.length && (pl.data.isLocked || Math.abs(pl.now() - savedPosition) < 1000)) return
  const sending = pieces
  const position = pl.now()
  pieces = []
  try {
    const response = await pl.post(bench.dataset.heard, { purpose: 'review', intervals: JSON.stringify(sending), position }, { keepalive })
    if (!response.ok) throw new Error(String(response.status))
    const answer = await response.json()
    savedPosition = position
    pl.heard = answer.heard
    pl.progress(answer.sentence)
    bench.dispatchEvent(new Event('bench:heard'))
  } catch { pieces = [...sending, ...pieces] }
}
pl.progress = (sentence) => {
  if (!sentence || pl.data.isLocked) return
  document.getElementById('bench-progress').textContent = sentence
}
setInterval(report, REPORT_EVERY)
audio.addEventListener('pause', () => report())
audio.addEventListener('seeked', () => { if (audio.paused) clearTimeout(report.soon), report.soon = setTimeout(report, 1500) })
window.addEventListener('pagehide', () => report({ keepalive: true }))
document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'hidden') report({ keepalive: true }) })

// What can be done, by button and by key

const keys = document.getElementById('bench-keys')
const single = document.getElementById('bench-single')
single.checked = remembered.get('single-keys', 'on') === 'on'
single.addEventListener('change', () => {
  remembered.set('single-keys', single.checked ? 'on' : 'off')
  single.nextElementSibling.textContent = `Single-key shortcuts are ${single.checked ? 'on' : 'off'}`
})
single.dispatchEvent(new Event('change'))

const codes = document.getElementById('bench-codes')
Object.assign((pl.actions ??= {}), {
  toggle: pl.toggle,
  back: () => pl.seek(pl.now() - 5000),
  on: () => pl.seek(pl.now() + 5000),
  'turn-back': () => pl.turn(-1),
  'turn-on': () => pl.turn(1),
  slower: () => faster(-0.25),
  faster: () => faster(0.25),
  keys: () => keys.showModal(),
  codes: () => {
    const isOpen = codes.classList.toggle('is-open')
    bench.querySelector('[data-do="codes"]').setAttribute('aria-expanded', String(isOpen))
  },
})
bench.addEventListener('click', (event) => {
  const name = event.target.closest('[data-do]')?.dataset.do
  if (name) pl.actions[name]?.()
})
// A click with the mouse leaves the focus where it was, so that Space goes on meaning play and pause.
bench.addEventListener('mousedown', (event) => { if (event.target.closest('.pl-bench__bar button, .pl-wave button')) event.preventDefault() })

const single_keys = {
  k: 'toggle', ' ': 'toggle', j: 'back', l: 'on', '[': 'turn-back', ']': 'turn-on', '-': 'slower', '=': 'faster', '+': 'faster', '?': 'keys',
  c: 'comment', z: 'undo', s: 'start-here', e: 'end-here', n: 'next', p: 'previous', a: 'annotations', r: 'rating', i: 'select-from', o: 'select-to',
}
const everywhere = { KeyK: pl.toggle, KeyJ: pl.actions.back, KeyL: pl.actions.on, KeyR: again }
const isTyping = (element) => element.closest?.('textarea, select, [contenteditable="true"], input:not([type="radio"], [type="checkbox"], [type="button"])')
const needsSpace = (element) => element.closest?.('button, summary, a[href], input[type="checkbox"], input[type="radio"]:not(:checked)')

document.addEventListener('keydown', (event) => {
  if (event.isComposing || keys.open || document.querySelector('details[data-pl-menu][open]')) return
  const isGraph = event.getModifierState('AltGraph')
  if (event.altKey && !event.ctrlKey && !event.metaKey && everywhere[event.code]) {
    event.preventDefault()
    return everywhere[event.code]()
  }
  if (event.key === 'Escape') { event.preventDefault(); return pl.toggle() }
  if ((event.ctrlKey || event.metaKey) && event.key === 'Enter' && isTyping(event.target)) { event.preventDefault(); return pl.actions.written?.() }
  if (!single.checked || isTyping(event.target) || (!isGraph && (event.ctrlKey || event.metaKey || event.altKey))) return
  if (event.key === ' ' && needsSpace(event.target)) return
  if (event.key === ',' || event.key === '.') { event.preventDefault(); return pl.seek(pl.now() + (event.key === ',' ? -100 : 100)) }
  if (/^[1-9]$/.test(event.key)) { event.preventDefault(); return event.repeat || pl.actions.digit?.(Number(event.key)) }
  const action = pl.actions[single_keys[event.key.length === 1 ? event.key.toLowerCase() : event.key]]
  if (!action) return
  event.preventDefault()
  if (!event.repeat || ['j', 'l', '[', ']'].includes(event.key)) action()
})

// Tabs: two beside the transcript, three where there is no room for it

const tabs = [...bench.querySelectorAll('[role="tab"]')]
const isNarrow = matchMedia('(max-width: 59.99em)')
pl.open = (name, { focus = false } = {}) => {
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
pl.actions.annotations = () => pl.open('annotations')
pl.actions.rating = () => pl.open('rating')
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
tick()
