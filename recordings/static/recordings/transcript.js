// Reading a transcript along: the player, the word that is said now, keys, finding, the next place to check, what was heard.
// What changes the text is in transcript-edit.js; the two meet in `part.pl`.

const part = document.getElementById('tr')
const audio = document.getElementById('tr-audio')
const list = document.getElementById('tr-turns')
const pl = (part.pl ??= {})
const slot = (name) => part.querySelector(`[data-slot="${name}"]`)

part.classList.add('is-live')
pl.live = (root) => { for (const element of root.querySelectorAll('[data-live]')) element.hidden = false }
pl.live(part)
pl.say = (sentence) => document.dispatchEvent(new CustomEvent('pl:announce', { detail: sentence }))

// The turns: found anew whenever the text changes.

let turns = []
let words = []
pl.read = () => {
  turns = [...list.children].map((element) => ({ element, start: Number(element.dataset.start), end: Number(element.dataset.end) }))
  words = [...list.querySelectorAll('[data-t]')].map((element) => ({ element, start: Number(element.dataset.t) / 1000 }))
  words.sort((a, b) => a.start - b.start)
  const count = slot('to-check')
  if (count) count.textContent = `(${list.querySelectorAll('.tr-turn--look').length})`
  light()
}

const lastBefore = (sorted, at) => {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle].start <= at) low = middle + 1
    else high = middle
  }
  return sorted[low - 1]?.element ?? null
}

let litWord = null
let litTurn = null
let restUntil = 0
for (const kind of ['wheel', 'touchmove', 'keydown']) list.addEventListener(kind, () => { restUntil = Date.now() + 6000 }, { passive: true })

const light = () => {
  const at = audio.currentTime + 0.01
  const word = lastBefore(words, at)
  if (word !== litWord) {
    litWord?.classList.remove('is-now')
    word?.classList.add('is-now')
    litWord = word
  }
  const turn = lastBefore(turns, at)
  if (turn === litTurn) return
  litTurn?.classList.remove('is-now')
  litTurn?.removeAttribute('aria-current')
  turn?.classList.add('is-now')
  turn?.setAttribute('aria-current', 'true')
  litTurn = turn
  if (turn && !audio.paused && Date.now() > restUntil && !list.querySelector('.is-open')) show(turn)
}

const show = (turn) => {
  const box = turn.getBoundingClientRect()
  const top = document.getElementById('player').getBoundingClientRect().bottom
  if (box.top < top + 8 || box.bottom > innerHeight - 48) {
    const smooth = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth'
    scrollBy({ top: box.top - top - 48, behavior: smooth })
  }
}
pl.show = show

// Playing

let stopAt = null
const trouble = () => pl.say('The sound could not be played. Look at your connection, then press play again.')
const play = () => audio.play().catch((error) => { if (error.name !== 'AbortError') trouble() })
pl.seek = (seconds) => { stopAt = null; audio.currentTime = Math.max(0, seconds); light() }
pl.playRange = (start, end) => { pl.seek(start); stopAt = end; play() }
pl.toggle = () => (audio.paused ? play() : audio.pause())
pl.nudge = (seconds) => pl.seek(audio.currentTime + seconds)
pl.current = () => list.querySelector('.is-open') ?? document.activeElement.closest?.('.tr-turn') ?? litTurn ?? list.firstElementChild
pl.again = () => {
  const turn = pl.current()
  if (turn) pl.playRange(Math.max(0, Number(turn.dataset.start) - 0.5), Number(turn.dataset.end) + 0.3)
}
pl.step = (by) => {
  const turn = turns[turns.findIndex(({ element }) => element === (litTurn ?? list.firstElementChild)) + by]
  if (!turn) return
  pl.seek(turn.start)
  show(turn.element)
}

let frame = 0
const tick = () => {
  if (stopAt !== null && audio.currentTime >= stopAt) { stopAt = null; audio.pause() }
  light()
}
const loop = () => { tick(); frame = audio.paused ? 0 : requestAnimationFrame(loop) }
audio.addEventListener('play', () => { if (!frame) frame = requestAnimationFrame(loop) })
audio.addEventListener('timeupdate', tick)
audio.addEventListener('seeked', tick)

part.addEventListener('click', (event) => {
  const word = event.target.closest('[data-t]')
  if (word && !getSelection().toString()) return pl.seek(Number(word.dataset.t) / 1000), play()
  const at = event.target.closest('.tr-turn__at')
  if (at) { event.preventDefault(); pl.seek(Number(at.closest('.tr-turn').dataset.start)); return play() }
  const seek = event.target.closest('[data-seek]')
  if (seek) {
    event.preventDefault()
    pl.seek(Number(seek.dataset.seek) / 1000)
    if (litTurn) show(litTurn)
    return play()
  }
  const range = event.target.closest('[data-play]')
  if (range) {
    event.preventDefault()
    pl.playRange(...range.dataset.play.split('-').map((ms) => Number(ms) / 1000))
  }
  pl.actions[event.target.closest('[data-do]')?.dataset.do]?.()
})

// To a panel below the words: those not yet laid out have a guessed height, so the place moves while the page goes there.

document.querySelector('.tr-jump').addEventListener('click', (event) => {
  const target = document.getElementById(event.target.closest('a')?.hash.slice(1))
  if (!target) return
  event.preventDefault()
  target.tabIndex = -1
  target.focus({ preventScroll: true })
  let left = 12
  const settle = () => {
    target.scrollIntoView({ behavior: 'instant' })
    if (left--) requestAnimationFrame(settle)
  }
  settle()
})

// The next place to check: words the machine was unsure of, what the sound does not bear out, speech without words.

pl.next = (by = 1) => {
  const look = [...list.querySelectorAll('.tr-turn--look')]
  if (!look.length) return pl.say('Nothing is left to check.')
  const here = list.querySelector('.is-open') ?? document.activeElement.closest?.('.tr-turn') ?? (audio.currentTime > 0 ? litTurn : null)
  const after = look.filter((turn) => here && (by > 0 ? here.compareDocumentPosition(turn) & 4 : here.compareDocumentPosition(turn) & 2))
  const turn = (by > 0 ? after[0] : after.at(-1)) ?? (by > 0 ? look[0] : look.at(-1))
  pl.seek(Number(turn.dataset.start))
  show(turn)
  turn.querySelector('.tr-turn__edit')?.focus({ preventScroll: true })
}

// Finding

const search = document.getElementById('tr-search')
const found = document.getElementById('tr-found')
let hits = []
let hit = -1
const find = () => {
  const wanted = search.value.trim().toLowerCase()
  for (const turn of hits) turn.classList.remove('is-found')
  hits = wanted ? turns.map(({ element }) => element).filter((element) => element.querySelector('.tr-turn__text').textContent.toLowerCase().includes(wanted)) : []
  for (const turn of hits) turn.classList.add('is-found')
  hit = -1
  found.textContent = wanted ? `${hits.length || 'No'} turn${hits.length === 1 ? '' : 's'}` : ''
}
search.addEventListener('input', find)
search.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') { search.value = ''; find(); search.blur() }
  if (event.key !== 'Enter' || !hits.length) return
  event.preventDefault()
  hit = (hit + (event.shiftKey ? hits.length - 1 : 1)) % hits.length
  found.textContent = `${hit + 1} of ${hits.length}`
  pl.seek(Number(hits[hit].dataset.start))
  show(hits[hit])
})

// Keys

const remembered = {
  get: (name, fallback) => { try { return localStorage.getItem(`plumbline.${name}`) ?? fallback } catch { return fallback } },
  set: (name, value) => { try { localStorage.setItem(`plumbline.${name}`, value) } catch { /* private window: not remembered */ } },
}
const keys = document.getElementById('tr-keys')
const single = document.getElementById('tr-single')
single.checked = remembered.get('single-keys', 'on') === 'on'
single.addEventListener('change', () => {
  remembered.set('single-keys', single.checked ? 'on' : 'off')
  single.nextElementSibling.textContent = `Single-key shortcuts are ${single.checked ? 'on' : 'off'}`
})
single.dispatchEvent(new Event('change'))

Object.assign((pl.actions ??= {}), { next: () => pl.next(), keys: () => keys.showModal() })
const plain = {
  ' ': pl.toggle, k: pl.toggle, j: () => pl.nudge(-5), l: () => pl.nudge(5), '[': () => pl.step(-1), ']': () => pl.step(1),
  n: () => pl.next(1), p: () => pl.next(-1), '/': () => search.focus(), '?': () => keys.showModal(),
  e: () => pl.actions.edit?.(), z: () => pl.actions.undo?.(), y: () => pl.actions.redo?.(),
}
const everywhere = { KeyK: pl.toggle, KeyJ: () => pl.nudge(-5), KeyL: () => pl.nudge(5), KeyR: () => pl.again() }
const isTyping = (element) => element.closest?.('textarea, select, input:not([type="radio"], [type="checkbox"], [type="button"])')
const needsSpace = (element) => element.closest?.('button, summary, a[href], audio, input[type="checkbox"], input[type="radio"]')

document.addEventListener('keydown', (event) => {
  if (event.isComposing || keys.open || document.querySelector('details[data-pl-menu][open]')) return
  if (event.altKey && !event.ctrlKey && !event.metaKey && everywhere[event.code]) {
    event.preventDefault()
    return everywhere[event.code]()
  }
  const isGraph = event.getModifierState('AltGraph')
  if (!single.checked || isTyping(event.target) || (!isGraph && (event.ctrlKey || event.metaKey || event.altKey))) return
  if (event.key === ' ' && needsSpace(event.target)) return
  const action = plain[event.key.length === 1 ? event.key.toLowerCase() : event.key]
  if (!action) return
  event.preventDefault()
  action()
})

// What was really played, as stretches of milliseconds.

let from = null
let last = 0
let heard = []
const close = () => {
  if (from !== null && last - from > 0.2) heard.push([Math.round(from * 1000), Math.round(last * 1000)])
  from = null
}
const report = () => {
  close()
  if (!audio.paused) from = last = audio.currentTime
  if (!heard.length) return
  const body = new URLSearchParams({ purpose: 'listen', intervals: JSON.stringify(heard) })
  const sent = heard
  heard = []
  fetch(part.dataset.heard, { method: 'POST', body, headers: { 'X-CSRFToken': pl.token() }, keepalive: true }).catch(() => { heard.unshift(...sent) })
}
pl.token = () => part.querySelector('[name="csrfmiddlewaretoken"]').value
audio.addEventListener('timeupdate', () => {
  const at = audio.currentTime
  if (from !== null && Math.abs(at - last) > 2) close() // a jump
  if (from === null && !audio.paused) from = at
  last = at
})
audio.addEventListener('seeking', close)
audio.addEventListener('pause', report)
audio.addEventListener('ended', report)
setInterval(() => { if (!audio.paused) report() }, 15000)
document.addEventListener('visibilitychange', () => { if (document.hidden) report() })
window.addEventListener('pagehide', report)

pl.read()
