// The upload form: drop a file on it, see how far it is, stop it. Without this script it is a plain form.

let form = null
const part = (name) => form.querySelector(`[data-upload-${name}]`)
const say = (sentence) => document.dispatchEvent(new CustomEvent('pl:announce', { detail: sentence }))

const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`)

const left = (seconds) => {
  if (!Number.isFinite(seconds)) return ''
  if (seconds < 50) return 'Less than a minute left.'
  const minutes = Math.round(seconds / 60)
  return `About ${minutes} minute${minutes === 1 ? '' : 's'} left.`
}

let request = null
let quarter = -1

const show = (isSending) => {
  part('progress').hidden = !isSending
  part('send').disabled = isSending
  part('drop').inert = isSending
}

const refuse = (sentence) => {
  show(false)
  const chosen = part('chosen')
  chosen.textContent = sentence
  chosen.setAttribute('role', 'alert')
}

const tooLarge = (file) => {
  const largest = Number(form.dataset.uploadLargest)
  return file && largest && file.size > largest
    ? `The file has ${size(file.size)}; the most that can be sent is ${size(largest)}. Save it as sound only, in a compressed format.`
    : ''
}

const chosenFile = () => {
  const file = form.elements.recording.files[0]
  const chosen = part('chosen')
  chosen.removeAttribute('role')
  chosen.textContent = tooLarge(file) || (file ? `${file.name}, ${size(file.size)}. Its name is not sent.` : '')
}

const progress = (loaded, total, startedAt) => {
  const percent = total ? Math.floor((loaded / total) * 100) : 0
  const seconds = (performance.now() - startedAt) / 1000
  part('bar').value = percent
  part('share').textContent = `${percent} %, ${size(loaded)} of ${size(total)}`
  part('note').textContent = `${seconds > 2 ? left(((total - loaded) * seconds) / loaded) : ''} Keep this page open until it has arrived.`.trim()
  if (Math.floor(percent / 25) !== quarter && percent < 100) {
    quarter = Math.floor(percent / 25)
    say(`${percent} % sent`)
  }
}

const checking = () => {
  part('doing').textContent = 'Checking the sound: length, level, whether it is whole'
  part('share').textContent = ''
  part('bar').removeAttribute('value')
  part('note').textContent = 'It has arrived. This takes a few seconds.'
  part('stop').hidden = true
}

const finished = () => {
  const { status, responseText, responseURL } = request
  const type = request.getResponseHeader('Content-Type') ?? ''
  const isElsewhere = new URL(responseURL, location.href).pathname !== location.pathname // sent to the sign-in page
  request = null
  if (status === 200 && type.includes('json')) {
    part('doing').textContent = 'Done'
    location.assign(JSON.parse(responseText).url)
    return
  }
  if (status === 422) {
    const page = new DOMParser().parseFromString(responseText, 'text/html')
    const fresh = page.querySelector('main')
    if (fresh) {
      const kept = form.elements.recording.files
      document.querySelector('main').replaceChildren(...document.importNode(fresh, true).childNodes)
      document.title = page.title
      start()
      if (kept.length) {
        document.querySelector('[data-upload]').elements.recording.files = kept
        chosenFile()
      }
      document.querySelector('[data-pl-error-summary]')?.focus()
      return
    }
  }
  refuse(
    isElsewhere || status === 401 || status === 403
      ? 'You are no longer signed in, or may no longer do this. Nothing was kept. Reload the page.'
      : 'The service could not take the file. Nothing was kept. Try again in a few minutes.',
  )
}

const send = (event) => {
  const file = form.elements.recording.files[0]
  if (!file || request) {
    if (request) event.preventDefault() // once is enough
    return
  }
  const sentence = tooLarge(file)
  event.preventDefault()
  if (sentence) {
    refuse(sentence)
    return
  }
  const startedAt = performance.now()
  request = new XMLHttpRequest()
  request.open('POST', form.action || location.href)
  request.setRequestHeader('Accept', 'application/json')
  request.upload.addEventListener('progress', (sent) => progress(sent.loaded, sent.total, startedAt))
  request.upload.addEventListener('load', checking)
  request.addEventListener('load', finished)
  request.addEventListener('error', () => {
    request = null
    refuse('The connection broke, and nothing was kept. Your choice is still here: send it again when you have a signal.')
  })
  request.addEventListener('abort', () => {
    request = null
    refuse('Stopped. Nothing was kept.')
  })
  document.querySelector('[data-pl-error-summary]')?.remove()
  part('drop').querySelector('.nhsuk-error-message')?.remove()
  part('drop').querySelector('.nhsuk-form-group--error')?.classList.remove('nhsuk-form-group--error')
  part('doing').textContent = 'Sending'
  part('stop').hidden = false
  show(true)
  const body = new FormData(form)
  body.set('recording', file, 'recording') // names of families have been seen in file names
  request.send(body)
}

const drop = (area) => {
  const over = (isOver) => area.classList.toggle('rec-drop--over', isOver)
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
    if (request || !event.dataTransfer.files.length) return
    form.elements.recording.files = event.dataTransfer.files
    chosenFile()
  })
}

const start = () => {
  form = document.querySelector('[data-upload]')
  if (!form) return
  request = null
  form.addEventListener('submit', send)
  form.elements.recording.addEventListener('change', chosenFile)
  part('stop').addEventListener('click', () => request?.abort())
  drop(part('drop'))
}

window.addEventListener('beforeunload', (event) => {
  if (request) event.preventDefault()
})

start()
