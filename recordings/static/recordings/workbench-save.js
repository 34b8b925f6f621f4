// Saving. Every change is queued and sent in order; what cannot be sent is kept in this page's memory (never in the browser's
// storage: comments are sensitive) and tried again. A job is {key, build, done, conflict, refused, after}: `build` is asked at the
// moment of sending, so that several changes to one thing become one request with the newest version; it changes nothing. `done`
// gets the answer and what was sent. A job waits for those whose keys begin with `after`. Leaving is for workbench-leave.js.

const bench = document.getElementById('bench')
const pl = (bench.pl ??= {})
const shown = document.getElementById('bench-saved')
const said = document.getElementById('bench-said')
const hint = document.getElementById('bench-hint')

const queue = new Map()
const flying = new Map() // key to {body, isKept}: what was sent and is not answered yet; kept: also if the page is left meanwhile
const MOST_KEPT = 60_000 // characters: a browser goes on sending 64 KiB in all once a page is left
const PATIENCE = 60_000 // milliseconds for an answer
let failures = 0
let timer = 0
let stopped = ''

pl.data = JSON.parse(document.getElementById('bench-data').textContent)
bench.classList.add('is-live')
for (const part of bench.querySelectorAll('[data-live]')) part.hidden = false

pl.say = (sentence) => {
  said.textContent = ''
  setTimeout(() => { said.textContent = sentence }, 50)
}
// Why nothing came of a key or a button: seen for a while above the player, and said.
pl.hint = (sentence) => {
  hint.textContent = sentence
  hint.hidden = false
  clearTimeout(pl.hint.timer)
  pl.hint.timer = setTimeout(() => { hint.hidden = true }, 8000)
  pl.say(sentence)
}

pl.clock = (ms, exact = false) => {
  const all = Math.max(0, exact ? Math.round(ms) : Math.floor(ms / 1000) * 1000)
  const seconds = Math.floor(all / 1000)
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  const tail = String(seconds % 60).padStart(2, '0')
  const rest = all % 1000 ? `.${String(all % 1000).padStart(3, '0').replace(/0+$/, '')}` : ''
  return (hours ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`) + rest
}

pl.parse = (text) => {
  const parts = text.trim().replace(',', '.').split(':')
  if (!parts.length || parts.length > 3 || parts.some((part, at) => !(at === parts.length - 1 ? /^\d{1,5}(\.\d{1,3})?$/ : /^\d{1,3}$/).test(part))) return null
  const numbers = parts.map(Number)
  if (numbers.length > 1 && numbers.at(-1) >= 60) return null
  return Math.round(numbers.reduce((sum, number) => sum * 60 + number, 0) * 1000)
}

const token = () =>
  document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1] ?? bench.querySelector('[name="csrfmiddlewaretoken"]').value

pl.post = (url, fields, { keepalive = false } = {}) => fetch(url, {
  method: 'POST',
  body: new URLSearchParams(fields),
  headers: { Accept: 'application/json', 'X-CSRFToken': token() },
  redirect: 'manual',
  keepalive,
  signal: AbortSignal.timeout(PATIENCE),
})

const show = (words, isWaiting = false) => {
  if (!shown || shown.textContent === words) return
  const was = shown.classList.contains('is-waiting')
  shown.textContent = words
  shown.classList.toggle('is-waiting', isWaiting)
  if (isWaiting !== was) pl.say(words)
}

// How many changes wait here, so that nobody closes the page on them unawares.
const count = () => new Set([...queue.keys(), ...flying.keys()]).size
let reason = ''
const tellWaiting = () => {
  const many = count()
  const wait = `${many || 1} change${many > 1 ? 's wait' : ' waits'} here and ${many > 1 ? 'are' : 'is'} sent as soon as that is over`
  show(`Not saved yet: ${reason}. ${wait}.`, true)
}
const waiting = (why) => {
  failures += 1
  reason = why
  tellWaiting()
  clearTimeout(timer)
  timer = setTimeout(run, Math.min(30_000, 1000 * 2 ** Math.min(failures, 5)))
}

const putBack = (job) => {
  if (queue.has(job.key)) return
  const rest = [...queue]
  queue.clear()
  queue.set(job.key, job)
  for (const [key, other] of rest) queue.set(key, other)
}

const settle = async (job, response, request) => {
  const isJSON = response.headers.get('Content-Type')?.includes('json')
  if (response.type === 'opaqueredirect' || response.status === 401) {
    putBack(job)
    return waiting('sign in again in another tab')
  }
  if (response.status === 403 && !isJSON) {
    putBack(job)
    return waiting('you may have been signed out, or may no longer listen. Look in another tab')
  }
  if (response.status >= 500 || response.status === 429 || !isJSON) {
    putBack(job)
    return waiting('the server does not answer')
  }
  const answer = await response.json()
  failures = 0
  if (response.ok) job.done(answer, request)
  else if (answer.locked) {
    stopped = 'Not saved: this review was submitted in another tab. Load the page again.'
    queue.clear()
  } else if (response.status === 409) job.conflict(answer.stored)
  else job.refused(answer.error ?? 'That could not be saved.')
}

// One thing is never sent twice at once: the version of the second would be that of the first.
const isHeld = ({ key, after }) => flying.has(key) || Boolean(after && [...queue.keys(), ...flying.keys()].some((other) => other.startsWith(after)))
const bodyOf = ({ fields }) => String(new URLSearchParams(fields))
const send = async (job) => {
  queue.delete(job.key)
  const request = job.build()
  if (!request) return run()
  const body = bodyOf(request)
  const isKept = [...flying.values()].reduce((sum, flight) => sum + flight.body.length, body.length) <= MOST_KEPT
  flying.set(job.key, { body, isKept })
  if (!failures) show('Saving')
  try {
    const response = await pl.post(request.url, request.fields, { keepalive: isKept })
    await settle(job, response, request)
  } catch (error) {
    if (!(error instanceof TypeError) && error.name !== 'TimeoutError') console.error(error)
    putBack(job)
    waiting('no connection')
  }
  flying.delete(job.key)
  if (!failures) run()
}
async function run() {
  if (flying.size || stopped) return stopped && show(stopped, true)
  const now = Date.now()
  const free = [...queue.values()].filter((job) => !isHeld(job))
  const job = free.find((one) => one.due <= now)
  if (job) return send(job)
  if (!queue.size) return show('Saved')
  clearTimeout(timer)
  timer = setTimeout(run, Math.max(20, Math.min(...free.map((one) => one.due)) - now))
}

pl.save = (job, wait = 0) => {
  job.due = Date.now() + wait
  queue.set(job.key, job)
  if (failures) tellWaiting()
  else if (wait) show('Saving')
  if (!failures || navigator.onLine === false) setTimeout(run) // what is seen comes first
}
pl.waiting = count
pl.isSaving = () => count() > 0 && !failures && !stopped && navigator.onLine

// What waits for a pause in the typing is wanted now.
pl.hurry = () => {
  for (const job of queue.values()) job.due = 0
  run()
}
// Everything at once, for the last moment of a page. True where nothing is lost by leaving: all of it is on its way, and the browser
// goes on sending it. What is on its way with older words, or waits for a connection, stays in the queue.
pl.sendAll = () => {
  if (!failures && !stopped && navigator.onLine) for (const job of [...queue.values()]) if (!isHeld(job)) send(job)
  const isLost = (job) => { const request = job.build(); return request && bodyOf(request) !== flying.get(job.key)?.body }
  return ![...queue.values()].some(isLost) && [...flying.values()].every((flight) => flight.isKept)
}
pl.goOn = () => { failures = 0; clearTimeout(timer); run() }
window.addEventListener('online', pl.goOn)
window.addEventListener('offline', () => {
  reason = 'no connection'
  if (count()) tellWaiting()
  else pl.hint('The connection is lost. What you do is kept here and sent when it is back.')
})

// A conflict: both are shown, nothing is overwritten, the person chooses.
pl.ask = (place, { theirs, ours, keep, take }) => {
  const panel = document.getElementById('bench-conflict').content.firstElementChild.cloneNode(true)
  panel.querySelector('[data-slot="theirs"]').textContent = theirs
  panel.querySelector('[data-slot="ours"]').textContent = ours
  panel.addEventListener('click', (event) => {
    const choice = event.target.closest('[data-keep]')?.dataset.keep
    if (!choice) return
    panel.remove()
    if (choice === 'ours') keep()
    else take()
  })
  place.replaceChildren(panel)
  panel.scrollIntoView({ block: 'nearest' })
}
