// Sending recordings: several files, one after another, each resumable to the byte. tus-js-client carries the bytes; what a
// page says about them, and when to go on, is here. Without this script the page is a plain form. Nothing is stored in the
// browser: what is unfinished, and by which fingerprint its file is known again, the service tells to its owner alone.

const form = document.querySelector('[data-upload]')
const BACK_OFF = [1, 2, 5, 10, 20, 30] // seconds
const STALLED = 30 // seconds without a byte, while there are bytes to send

const say = (sentence) => document.dispatchEvent(new CustomEvent('pl:announce', { detail: sentence }))
const size = (bytes) => (!bytes ? '0 KB' : bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`)

const left = (seconds) => {
  if (!Number.isFinite(seconds)) return ''
  const minutes = Math.round(seconds / 60) || 1
  return seconds < 50 ? 'Less than a minute left.' : `About ${minutes} minute${minutes === 1 ? '' : 's'} left.`
}

// upload-look.js says what a file is: { seconds, print, wrong }.
const look = (file) => new Promise((resolve) => form.dispatchEvent(new CustomEvent('upload:look', { detail: { file, resolve } })))

const token = () => form.elements.csrfmiddlewaretoken.value

// After signing in again in another tab the old token is no longer good.
const renewToken = async () => {
  const answer = await fetch(location.href)
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  const fresh = page.querySelector('[data-upload] [name=csrfmiddlewaretoken]')
  if (fresh) for (const field of document.querySelectorAll('[name=csrfmiddlewaretoken]')) field.value = fresh.value
  return Boolean(fresh)
}

// One file of the queue

class Row {
  static busy = null
  static all = []

  constructor(file, { url = '' } = {}) {
    Object.assign(this, { file, url, state: 'looking', tries: 0, timer: 0, upload: null })
    this.item = form.querySelector('[data-upload-row]').content.firstElementChild.cloneNode(true)
    this.part('name').textContent = file.name
    this.part('facts').textContent = `${size(file.size)}${url ? '. It goes on where it stopped.' : ''}`
    this.part('date').value = form.elements.session_on.value
    this.part('date').max = form.elements.session_on.max
    this.part('day').hidden = Boolean(url)
    for (const name of ['pause', 'resume', 'remove', 'cancel']) this.label(name)
    this.on('pause', () => this.pause())
    this.on('resume', () => this.resume())
    this.on('remove', () => this.leave())
    this.on('cancel', () => this.ask(true))
    this.on('confirm-no', () => this.ask(false))
    this.on('confirm-yes', () => this.cancel())
    Row.all.push(this)
    form.querySelector('[data-upload-queue]').append(this.item)
  }

  part(name) {
    return this.item.querySelector(`[data-${name}]`)
  }

  on(name, action) {
    this.part(name).addEventListener('click', action)
  }

  label(name) {
    const hidden = document.createElement('span')
    hidden.className = 'nhsuk-u-visually-hidden'
    hidden.textContent = `: ${this.file.name}`
    this.part(name).append(hidden)
  }

  async look() {
    const { lasts, print, wrong } = await look(this.file)
    this.print = print
    if (lasts) this.part('facts').prepend(`${lasts}, `)
    if (wrong) this.end('refused', wrong)
    else this.set('ready')
  }

  set(state) {
    this.state = state
    const isOpen = !['refused', 'done', 'gone'].includes(state)
    const isUnderWay = isOpen && !['looking', 'ready'].includes(state)
    const pausable = ['sending', 'waiting', 'queued'].includes(state)
    const focused = this.item.contains(document.activeElement) ? document.activeElement : null
    this.item.dataset.state = state
    this.part('progress').hidden = !isUnderWay
    this.part('pause').hidden = !pausable
    this.part('resume').hidden = !['paused', 'signed-out'].includes(state)
    this.part('remove').hidden = isUnderWay || state === 'done'
    this.part('cancel').hidden = !isUnderWay || state === 'checking'
    if (isUnderWay || !isOpen) this.part('day').hidden = true
    if (focused?.closest('[hidden]')) this.item.querySelector('button:not([hidden])')?.focus()
    show()
  }

  // queued → sending → checking → done, with waits between; `next` starts one row at a time
  queue() {
    if (this.state !== 'ready') return
    this.tell('Waiting for its turn', '')
    this.set('queued')
  }

  go() {
    Row.busy = this
    clearTimeout(this.timer)
    this.set('sending')
    this.tell('Sending', 'Keep this page open until it has arrived.')
    this.samples = []
    this.upload = new tus.Upload(this.file, {
      endpoint: this.url ? null : form.dataset.uploadAddress, // with an address of its own it never begins anew by itself
      uploadUrl: this.url || null,
      retryDelays: null,
      storeFingerprintForResuming: false,
      removeFingerprintOnSuccess: true,
      fingerprint: async () => this.print,
      headers: { 'X-CSRFToken': token() },
      metadata: {
        filename: this.file.name,
        filetype: this.file.type,
        consent: form.elements.consent.value,
        session_on: this.part('date').value,
        fingerprint: this.print,
      },
      onUploadUrlAvailable: () => {
        this.url = new URL(this.upload.url, location.href).pathname
      },
      onProgress: (sent, total) => this.progress(sent, total),
      onSuccess: ({ lastResponse }) => this.taken(lastResponse?.getHeader('X-Recording')),
      onError: (error) => this.broke(error),
    })
    this.upload.start()
    this.watch()
  }

  watch() {
    this.heardAt = performance.now()
    clearInterval(this.guard)
    this.guard = setInterval(() => {
      if (this.state === 'sending' && performance.now() - this.heardAt > STALLED * 1000) this.wait('Nothing gets through at this moment.')
    }, 2000)
  }

  progress(sent, total) {
    const now = performance.now()
    this.heardAt = now
    this.tries = 0
    this.samples = [...this.samples.filter((sample) => now - sample.at < 10_000), { at: now, sent }]
    const { at, sent: before } = this.samples[0]
    const speed = now > at ? ((sent - before) / (now - at)) * 1000 : 0
    const share = Math.floor((sent / total) * 100)
    this.part('bar').value = Math.floor((sent / total) * 1000)
    this.part('share').textContent = `${share} %, ${size(sent)} of ${size(total)}`
    const pace = speed && now - at > 1500 ? `${size(speed)} a second. ${left((total - sent) / speed)} ` : ''
    this.part('note').textContent = `${pace}Keep this page open until it has arrived.`
    if (share >= (this.told ?? 0) + 25 && share < 100) {
      this.told = share
      say(`${this.file.name}: ${share} % sent`)
    }
    if (sent >= total) {
      this.set('checking')
      this.tell('Checking the sound: length, level, whether it is whole', 'It has arrived. This takes a few seconds.')
      this.part('bar').removeAttribute('value')
      this.part('share').textContent = ''
    }
  }

  tell(doing, note) {
    this.part('doing').textContent = doing
    this.part('note').textContent = note
  }

  stop() {
    clearTimeout(this.timer)
    clearInterval(this.guard)
    this.upload?.abort().catch(() => {})
    this.upload = null
    if (Row.busy === this) Row.busy = null
  }

  pause() {
    this.stop()
    this.set('paused')
    this.tell('Paused', 'What has arrived is safe. Carry on now, or choose the same file again on another day.')
    next()
  }

  async resume() {
    if (this.state === 'signed-out' && !(await renewToken())) {
      this.tell('You are still signed out', 'Sign in again in another tab, then carry on here.')
      return
    }
    this.tell('Waiting for its turn', '')
    this.set('queued')
    next()
  }

  wait(reason) {
    this.stop()
    Row.busy = this // it keeps its turn
    const seconds = BACK_OFF[Math.min(this.tries, BACK_OFF.length - 1)]
    this.tries += 1
    this.set('waiting')
    this.tell(navigator.onLine ? 'Waiting to go on' : 'Waiting for the network', `${reason} What has arrived is safe, and it goes on by itself.`)
    this.timer = setTimeout(() => this.go(), seconds * 1000)
  }

  broke(error) {
    if (!this.upload) return // we stopped it ourselves
    const answer = error.originalResponse
    const status = answer?.getStatus() ?? 0
    let said = {}
    try {
      said = JSON.parse(answer?.getBody() || '{}')
    } catch {
      said = {}
    }
    if (!status) this.wait('The connection broke.')
    else if (status === 401 || status === 403) {
      this.stop()
      this.set('signed-out')
      this.tell('Your sign-in has ended', said.error ?? 'What has arrived is safe. Sign in again in another tab, then carry on here.')
      say(said.error ?? 'Sign in again in another tab, then carry on.')
    } else if (status >= 500 || status === 409 || status === 423) this.wait(said.error ?? (status === 423 ? 'The service is still busy with what came before.' : 'The service could not take it just now.'))
    else if (status === 410 || status === 404) this.end('gone', said.error ?? 'This upload has ended, and nothing of it was kept. Load this page again to see why.')
    else this.end('refused', said.error ?? 'The service did not take this file. Nothing of it was kept.', said.url)
  }

  end(state, sentence, url) {
    this.stop()
    this.set(state)
    const verdict = this.part('verdict')
    verdict.hidden = false
    verdict.textContent = state === 'done' ? sentence : `Not taken: ${sentence}`
    say(`${this.file.name}: ${verdict.textContent}`)
    if (url) verdict.append(' ', Object.assign(document.createElement('a'), { href: url, textContent: 'Open the recording' }))
    next()
  }

  async taken(address) {
    const finish = `${this.url}finish/`
    if (Row.all.length === 1 && address) {
      this.set('done')
      this.stop()
      form.remove() // nothing is under way any more
      const on = Object.assign(document.createElement('form'), { method: 'post', action: finish, hidden: true })
      on.append(Object.assign(document.createElement('input'), { name: 'csrfmiddlewaretoken', value: token() }))
      document.body.append(on)
      on.submit()
      return
    }
    const answer = await fetch(finish, { method: 'POST', headers: { Accept: 'application/json', 'X-CSRFToken': token() } }).catch(() => null)
    const said = answer?.ok ? (await answer.json()).said : 'Your recording is safe.'
    this.end('done', said, address)
  }

  ask(isAsking) {
    this.part('confirm').hidden = !isAsking
    this.part('actions').hidden = isAsking
    this.part(isAsking ? 'confirm-no' : 'cancel').focus()
  }

  async cancel() {
    const { url } = this
    this.stop()
    if (url) {
      const headers = { 'Tus-Resumable': '1.0.0', 'X-CSRFToken': token() }
      await fetch(url, { method: 'DELETE', headers }).catch(() => null) // else it runs out by itself
    }
    say(`${this.file.name}: the upload was cancelled`)
    this.leave()
  }

  leave() {
    this.stop()
    Row.all.splice(Row.all.indexOf(this), 1)
    this.item.remove()
    form.elements.recording.focus()
    show()
    next()
  }
}

const next = () => {
  if (!Row.busy) Row.all.find((row) => row.state === 'queued')?.go()
}

const show = () => {
  form.querySelector('[data-upload-queue]').hidden = !Row.all.length
  form.querySelector('[data-upload-buttons]').hidden = Boolean(Row.all.length) && !Row.all.some((row) => ['looking', 'ready'].includes(row.state))
}

const complain = (sentence, field) => {
  const place = form.querySelector('[data-upload-error]')
  place.textContent = sentence
  place.hidden = !sentence
  if (sentence) field?.focus()
}

// The page

const unfinished = () => [...document.querySelectorAll('[data-upload-unfinished]:not([data-live="1"])')]

const choose = async (files) => {
  complain('')
  form.elements.recording.value = ''
  for (const file of files) {
    const { print } = await look(file)
    const known = print && unfinished().find((item) => item.dataset.fingerprint === print)
    if (known) await goOn(known, file)
    else {
      const row = new Row(file)
      row.looked = row.look()
    }
  }
}

const goOn = async (item, file) => {
  const row = new Row(file, { url: item.dataset.uploadUnfinished })
  item.remove()
  await row.look()
  row.queue()
  next()
}

const again = (item) => {
  const picker = Object.assign(document.createElement('input'), { type: 'file' })
  picker.addEventListener('change', async () => {
    const [file] = picker.files
    const { length, fingerprint: expected } = item.dataset
    const isSame = file.size === Number(length) && (!expected || (await look(file)).print === expected)
    const other = item.querySelector('[data-upload-other]')
    other.hidden = isSame
    other.textContent = isSame ? '' : `That is another file (${size(file.size)}). Choose the very file with which this upload began; it has ${size(Number(length))}.`
    if (isSame) goOn(item, file)
  })
  picker.click()
}

const send = (event) => {
  event.preventDefault()
  const { consent, session_on: day } = form.elements
  if (!consent.value) complain('Choose who was in the session.', consent[0])
  else if (!day.value) complain('Enter the day of the session.', day)
  else if (!Row.all.length) complain('Choose the recording.', form.elements.recording)
  else {
    complain('')
    Promise.all(Row.all.filter((row) => row.state === 'looking').map((row) => row.looked)).then(() => {
      Row.all.forEach((row) => row.queue())
      next()
    })
  }
}

const start = () => {
  const area = form.querySelector('[data-upload-drop]')
  const { recording } = form.elements
  const over = (isOver) => area.classList.toggle('rec-drop--over', isOver)
  document.querySelectorAll('[data-upload-script]').forEach((part) => part.removeAttribute('hidden'))
  recording.multiple = true
  recording.required = false
  recording.addEventListener('change', () => choose([...recording.files]))
  form.addEventListener('submit', send)
  for (const name of ['dragenter', 'dragover']) {
    area.addEventListener(name, (event) => {
      event.preventDefault()
      over(true)
    })
  }
  area.addEventListener('dragleave', () => over(false))
  area.addEventListener('drop', (event) => {
    event.preventDefault()
    over(false)
    choose([...event.dataTransfer.files])
  })
  for (const item of unfinished()) item.querySelector('[data-upload-again]')?.addEventListener('click', () => again(item))
  window.addEventListener('online', () => Row.busy?.state === 'waiting' && Row.busy.go())
  window.addEventListener('offline', () => Row.busy?.state === 'sending' && Row.busy.wait('The network is gone.'))
  window.addEventListener('beforeunload', (event) => {
    if (Row.all.some((row) => ['queued', 'sending', 'checking', 'waiting'].includes(row.state))) event.preventDefault()
  })
}

if (form) start()
