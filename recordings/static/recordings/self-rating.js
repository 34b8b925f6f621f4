// A rating of one's own session saves itself as it is chosen or written. What cannot be sent stays on this page (never in the
// browser's storage: the note is about a session) and is tried again. What another tab stored is never overwritten unseen.

const form = document.querySelector('[data-own]')
const shown = form.querySelector('[data-saved]')
const said = form.querySelector('[data-said]')
const both = form.querySelector('[data-both]')
const version = form.elements.version
const PAUSE = 800

const names = [...new Set([...form.elements].map((one) => one.name))].filter((name) => name === 'note' || name.startsWith('item-'))
// The last value of a name counts, as on the server: "not applicable" stands after the figure.
const read = () => {
  const data = new FormData(form)
  return Object.fromEntries(names.map((name) => [name, (data.getAll(name).at(-1) ?? '').trim()]))
}
const changedFrom = (before) => { const now = read(); return names.filter((name) => now[name] !== before[name]) }

let base = read() // what is stored, as far as this page knows
let timer = 0
let failures = 0
let sending = null
let stopped = false

const say = (words) => {
  said.textContent = ''
  setTimeout(() => { said.textContent = words }, 50)
}
const show = (words, isWaiting = false) => {
  const was = shown.classList.contains('is-waiting')
  if (isWaiting ? shown.textContent !== words : was) say(words)
  shown.hidden = false
  shown.textContent = words
  shown.classList.toggle('is-waiting', isWaiting)
}
const later = (why) => {
  failures += 1
  show(`Not saved: ${why}. What you chose waits on this page and is sent as soon as that is over.`, true)
  clearTimeout(timer)
  timer = setTimeout(save, Math.min(30_000, 1000 * 2 ** Math.min(failures, 5)))
}

// Both are shown

const put = (name, value) => {
  for (const field of [...form.elements].filter((one) => one.name === name)) {
    if (field.type === 'radio' || field.type === 'checkbox') field.checked = field.value === value
    else field.value = value === 'na' ? '' : value
  }
}
const titleOf = (name) => document.getElementById(`id_${name}`)?.dataset.name ?? 'Note'
const wordOf = (name, value) => {
  if (!value) return 'nothing'
  const step = [...form.elements].find((one) => one.name === name && one.value === value && one.labels?.length && one.type !== 'text')
  return name === 'note' ? value : (step?.labels[0].textContent.trim() ?? value)
}
const line = (tag, words) => Object.assign(document.createElement(tag), { textContent: words })

const settle = (stored) => {
  const there = Object.fromEntries(names.map((name) => [name, (stored.fields[name] ?? '').trim()]))
  const here = read()
  const differ = names.filter((name) => here[name] !== there[name])
  const mine = differ.filter((name) => here[name] !== base[name])
  const split = mine.filter((name) => there[name] !== base[name])
  for (const name of differ) if (!mine.includes(name)) put(name, there[name])
  base = there
  version.value = stored.version
  if (!split.length) {
    say('Another tab changed this too. What it chose is shown here.')
    return soon(0)
  }
  const panel = document.getElementById('own-both').content.firstElementChild.cloneNode(true)
  for (const name of split) {
    const row = document.createElement('div')
    row.append(line('dt', titleOf(name)), line('dd', `There: ${wordOf(name, there[name])}`), line('dd', `Here: ${wordOf(name, here[name])}`))
    panel.querySelector('dl').append(row)
  }
  panel.addEventListener('click', (event) => {
    const choice = event.target.closest('[data-keep]')?.dataset.keep
    if (!choice) return
    if (choice === 'there') for (const name of split) put(name, there[name])
    both.replaceChildren()
    save()
  })
  both.replaceChildren(panel)
  panel.scrollIntoView({ block: 'nearest' })
  show('Not saved: another tab changed the same. Choose above which to keep.', true)
}

// Saving

const token = () => document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1] ?? form.elements.csrfmiddlewaretoken.value
const post = (keepalive = false) => {
  const body = new URLSearchParams(new FormData(form))
  body.set('do', 'save')
  return fetch(location.pathname, { method: 'POST', body, headers: { Accept: 'application/json', 'X-CSRFToken': token() }, redirect: 'manual', keepalive })
}

const answered = async (response, sent) => {
  const isJSON = response.headers.get('Content-Type')?.includes('json')
  if (response.type === 'opaqueredirect' || response.status === 401) return later('sign in again in another tab')
  if (response.status === 403 && !isJSON) return later('you may have been signed out. Look in another tab')
  if (response.status >= 500 || response.status === 429 || !isJSON) return later('the server does not answer')
  const answer = await response.json()
  failures = 0
  if (response.ok) {
    base = sent
    version.value = answer.version
    if (changedFrom(base).length) return soon(0)
    return show('Saved')
  }
  if (answer.stored) return settle(answer.stored)
  stopped = Boolean(answer.locked)
  show(`Not saved: ${answer.error ?? 'the server refused it.'}`, true)
}

async function save() {
  clearTimeout(timer)
  if (sending || stopped || both.firstElementChild) return sending
  if (!changedFrom(base).length) return show('Saved')
  const sent = read()
  if (!failures) show('Saving')
  sending = post().then((response) => answered(response, sent), () => later('no connection'))
  await sending
  sending = null
}
const soon = (wait) => {
  clearTimeout(timer)
  timer = setTimeout(save, wait)
}

form.addEventListener('change', () => { failures = 0; soon(0) })
form.addEventListener('input', (event) => {
  if (event.target.type === 'checkbox' && event.target.checked) put(event.target.name, 'na')
  else if (event.target.name?.startsWith('item-') && event.target.type === 'text') {
    for (const field of [...form.elements].filter((one) => one.name === event.target.name && one.type === 'checkbox')) field.checked = false
  }
  if (!failures && !both.firstElementChild) show('Saving')
  soon(failures ? 1000 * 2 ** Math.min(failures, 5) : PAUSE)
})

// Handing in waits for what is on its way, so that the page never stands in its own way; and for a choice, and a connection.
form.addEventListener('submit', (event) => {
  clearTimeout(timer)
  const button = event.submitter
  if (sending) {
    event.preventDefault()
    sending.then(() => setTimeout(() => form.requestSubmit(button)))
  } else if (both.firstElementChild) {
    event.preventDefault()
    both.scrollIntoView({ block: 'center' })
    say('Another tab changed the same. Choose first which to keep.')
  } else if (navigator.onLine === false) {
    event.preventDefault()
    later('no connection')
  } else stopped = true
})

window.addEventListener('online', () => { failures = 0; save() })
window.addEventListener('offline', () => {
  if (changedFrom(base).length) later('no connection')
  else show('No connection. What you choose waits on this page and is sent when it is back.', true)
})
document.addEventListener('visibilitychange', () => { if (document.hidden && changedFrom(base).length) save() })
window.addEventListener('pageshow', () => { stopped = false })
window.addEventListener('beforeunload', (event) => {
  if (stopped || !changedFrom(base).length) return
  if (failures || both.firstElementChild || !navigator.onLine) event.preventDefault()
  else if (!sending) post(true).catch(() => {})
})

form.querySelector('[data-saves]').hidden = false
shown.hidden = !Number(version.value)
shown.textContent = 'Saved'
