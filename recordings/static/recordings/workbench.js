// The player of the workbench: transport, speed, loops, silence passed over, and the report of what was heard.

const bench = document.getElementById('bench')
const { pl } = bench
const audio = document.getElementById('bench-audio')
const slot = (name) => bench.querySelector(`[data-slot="${name}"]`)
const remembered = {
  get: (name, fallback) => { try { return localStorage.getItem(`plumbline.${name}`) ?? fallback } catch { return fallback } },
  set: (name, value) => { try { localStorage.setItem(`plumbline.${name}`, value) } catch { /* private window: not remembered */ } },
}

const { settings } = pl.data
const BACK_STEP = settings.backStep / 1000 // seconds that a pause is stepped back on going on
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
  if (loop && (ms < loop.start || ms > loop.end)) setLoop(null)
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
  pl.hint('The sound could not be played. Trying once more.')
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

// Turn by turn. The turns come a moment after the page (workbench-transcript.js); until then, and without a transcript, by ten seconds.

pl.turns = []
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
pl.lastBefore = lastBefore
pl.turn = (step) => {
  const { turns } = pl
  if (!turns.length) return pl.seek(pl.now() + step * 10_000)
  const at = lastBefore(turns, pl.now() + (step > 0 ? 50 : 0))
  const isInside = step < 0 && at >= 0 && pl.now() - turns[at].start > 1500
  pl.seek(turns[Math.min(turns.length - 1, Math.max(0, isInside ? at : at + step))].start)
}
const again = () => {
  const turn = pl.turns[lastBefore(pl.turns, pl.now())]
  pl.seek((turn ? turn.start : pl.now() - 10_000) - settings.preroll)
  play()
}

// Over and over: the selection, else the annotation that is chosen, else the turn.

let loop = null
const button = (name) => bench.querySelector(`[data-do="${name}"]`)
const stretch = () => {
  const note = pl.notes?.list().find((one) => one.id === pl.notes.current)
  return pl.wave?.selection() ?? note ?? pl.turns[lastBefore(pl.turns, pl.now())]
}
const setLoop = (range) => {
  loop = range && range.end - range.start > 300 ? { start: range.start, end: range.end } : null
  button('loop')?.setAttribute('aria-pressed', String(Boolean(loop)))
  pl.say(loop ? `Over and over: ${pl.clock(loop.start)} to ${pl.clock(loop.end)}` : 'No longer over and over')
  if (!loop) return
  pl.seek(loop.start)
  play()
}
pl.loop = () => loop

// Silence, from the voice activity that is stored, is jumped over. What is jumped over is not reported as heard.

pl.silences = []
let skips = settings.skips
const showSkips = () => button('silence')?.setAttribute('aria-pressed', String(skips))
showSkips()
const passSilence = (ms) => {
  const silence = pl.silences[lastBefore(pl.silences, ms)]
  if (silence && ms > silence.start + 400 && ms < silence.end - 600) audio.currentTime = Math.min(duration, silence.end - 300) / 1000
}

// Each moment

let frame = 0
const tick = () => {
  const ms = pl.now()
  if (stopAt !== null && ms >= stopAt) { stopAt = null; audio.pause(); stoppedHere = false }
  if (loop && !audio.paused && (ms >= loop.end || ms < loop.start - 500)) { audio.currentTime = loop.start / 1000 }
  if (skips && !loop && stopAt === null && !audio.paused && !audio.seeking) passSilence(ms)
  slot('now').textContent = `${pl.clock(ms)}.${Math.floor(ms / 100) % 10}`
  bench.dispatchEvent(new Event('bench:tick'))
}
const run = () => { tick(); frame = audio.paused ? 0 : requestAnimationFrame(run) }
audio.addEventListener('play', () => { slot('play-word').textContent = 'Pause'; if (!frame) frame = requestAnimationFrame(run) })
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
    const fields = { purpose: 'review', review: bench.dataset.review, intervals: JSON.stringify(sending), position }
    const response = await pl.post(bench.dataset.heard, fields, { keepalive })
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

const codes = document.getElementById('bench-codes')
Object.assign((pl.actions ??= {}), {
  toggle: pl.toggle,
  back: () => pl.seek(pl.now() - 5000),
  on: () => pl.seek(pl.now() + 5000),
  'turn-back': () => pl.turn(-1),
  'turn-on': () => pl.turn(1),
  slower: () => faster(-0.25),
  faster: () => faster(0.25),
  again,
  'nudge-back': () => pl.seek(pl.now() - 100),
  'nudge-on': () => pl.seek(pl.now() + 100),
  loop: () => setLoop(loop ? null : stretch()),
  silence: () => {
    skips = !skips
    showSkips()
    pl.keep?.({ skips_silence: skips })
    pl.say(skips ? (pl.silences.length ? 'Silence is passed over' : 'Silence is passed over where it is known') : 'Silence is played')
  },
  more: () => bench.querySelector('[data-do="more"]').setAttribute('aria-expanded', String(bench.classList.toggle('is-more'))),
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

const concern = document.getElementById('bench-concern')
concern?.addEventListener('click', () => { concern.href = `${concern.href.split('?')[0]}?at=${pl.now()}` })
tick()
