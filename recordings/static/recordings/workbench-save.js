// Saving. Every change is queued and sent in order; what cannot be sent is kept in this page's memory (never in the browser's
// storage: comments are sensitive) and tried again. A job is {key, build, done, conflict, refused}: `build` is asked at the
// moment of sending, so that several changes to one thing become one request with the newest version.

const bench = document.getElementById('bench')
const pl = (bench.pl ??= {})
const shown = document.getElementById('bench-saved')
const said = document.getElementById('bench-said')

const queue = new Map()
let current = null
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
})

const show = (words, isWaiting = false) => {
  if (!shown || shown.textContent === words) return
  const was = shown.classList.contains('is-waiting')
  shown.textContent = words
  shown.classList.toggle('is-waiting', isWaiting)
  if (isWaiting !== was) pl.say(words)
}

// How many changes wait here, so that nobody closes the page on them unawares.
const count = () => queue.size + (current && !queue.has(current.key) ? 1 : 0)
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

const settle = async (job, response) => {
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
  if (response.ok) job.done(answer)
  else if (answer.locked) {
    stopped = 'Not saved: this review was submitted in another tab. Load the page again.'
    queue.clear()
  } else if (response.status === 409) job.conflict(answer.stored)
  else job.refused(answer.error ?? 'That could not be saved.')
}

async function run() {
  if (current || stopped) return stopped && show(stopped, true)
  const now = Date.now()
  const job = [...queue.values()].find((one) => one.due <= now)
  if (!job) {
    if (!queue.size) return show('Saved')
    clearTimeout(timer)
    timer = setTimeout(run, Math.max(20, Math.min(...[...queue.values()].map((one) => one.due)) - now))
    return
  }
  queue.delete(job.key)
  const request = job.build()
  if (!request) return run()
  current = job
  if (!failures) show('Saving')
  try {
    const response = await pl.post(request.url, request.fields)
    await settle(job, response)
  } catch (error) {
    if (!(error instanceof TypeError)) console.error(error)
    putBack(job)
    waiting('no connection')
  }
  current = null
  if (!failures) run()
}

pl.save = (job, wait = 0) => {
  job.due = Date.now() + wait
  queue.set(job.key, job)
  if (failures) tellWaiting()
  else if (wait) show('Saving')
  if (!failures || navigator.onLine === false) setTimeout(run) // what is seen comes first
}
pl.isUnsaved = () => queue.size > 0 || current !== null

// Leaving: what waits for a pause in the typing goes at once; the browser asks only where there is no connection.
const flush = () => {
  if (failures || stopped) return
  for (const job of queue.values()) {
    const request = current?.key === job.key ? null : job.build()
    if (request) pl.post(request.url, request.fields, { keepalive: true }).catch(() => {})
  }
  queue.clear()
}
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'hidden') return
  for (const job of queue.values()) job.due = 0
  run()
})
window.addEventListener('beforeunload', (event) => {
  if (!failures && !stopped && navigator.onLine) return flush()
  if (queue.size || current) event.preventDefault()
})
window.addEventListener('online', () => { failures = 0; clearTimeout(timer); run() })
window.addEventListener('offline', () => {
  reason = 'no connection'
  if (count()) tellWaiting()
  else pl.say('The connection is lost. What you do is kept here and sent when it is back.')
})
pl.waiting = count

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
