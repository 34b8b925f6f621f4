// Recording with the device's microphone. What is recorded is sent every few seconds (tus, by plain PATCH requests), so that a
// dead battery costs seconds; the whole stays in memory until it is safe, and nowhere else in the browser. Its length is not
// known at the beginning: an upload with room for the longest is begun, and ended early by asking to keep what has arrived.

const form = document.querySelector('[data-upload]')
const box = document.querySelector('[data-mic]')
const part = (name) => box.querySelector(`[data-mic-${name}]`)
const say = (sentence) => document.dispatchEvent(new CustomEvent('pl:announce', { detail: sentence }))
const EVERY = 3000 // milliseconds of sound at a time
const BITS = 64_000 // a second
const TYPES = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4']
const WHY = {
  NotAllowedError: 'The browser did not let this page use the microphone. Allow it in the browser’s settings for this site, then try again.',
  NotFoundError: 'No microphone was found. Connect one, then try again.',
  NotReadableError: 'Another program is using the microphone. Close it, then try again.',
}

let session = null // the recording that is being made

const clock = (seconds) => {
  const whole = Math.floor(seconds)
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), String(whole % 60).padStart(2, '0')]
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`
}

const complain = (sentence) => {
  part('error').textContent = sentence
  part('error').hidden = !sentence
}

const stage = (name) => {
  part('start').hidden = name !== 'start'
  part('live').hidden = name !== 'live'
  part('done').hidden = name !== 'done'
}

// Sending

const request = (method, address, { headers = {}, body } = {}) =>
  fetch(address, {
    method,
    body,
    headers: { 'Tus-Resumable': '1.0.0', 'X-CSRFToken': form.elements.csrfmiddlewaretoken.value, ...headers },
    signal: AbortSignal.timeout(30_000),
  })

const sentence = async (answer) => (await answer.json().catch(() => ({}))).error

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

const begin = async (mine) => {
  const said = { consent: form.elements.consent.value, filetype: mine.recorder.mimeType, live: '1' }
  const metadata = Object.entries(said).map(([key, value]) => `${key} ${base64(value)}`)
  const answer = await request('POST', form.dataset.uploadAddress, { headers: { 'Upload-Length': box.dataset.micRoom, 'Upload-Metadata': metadata.join(',') } })
  if (answer.status !== 201) throw Object.assign(new Error(await sentence(answer)), { status: answer.status })
  mine.url = answer.headers.get('Location')
}

// Sends what has not arrived, one request at a time, until nothing is left. What fails is tried again, from where the service is.
const send = async (mine) => {
  if (mine.isSending || !mine.url || mine.isOver) return
  mine.isSending = true
  try {
    while (!mine.isOver && mine.sent < mine.size) {
      const body = new Blob(mine.chunks).slice(mine.sent)
      const answer = await request('PATCH', mine.url, { headers: { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(mine.sent) }, body })
      if (answer.status === 410 || answer.status === 422) {
        ended(mine, await sentence(answer))
        return
      }
      if (answer.status !== 204) throw Object.assign(new Error(), { status: answer.status })
      mine.sent = Number(answer.headers.get('Upload-Offset'))
      mine.tries = 0
      arrived(mine)
    }
  } catch (error) {
    mine.tries += 1
    part('sent').textContent =
      error.status === 401 || error.status === 403
        ? 'You are signed out. Go on recording; sign in again in another tab before you leave this page.'
        : 'Nothing gets through at this moment. Go on recording; it is kept in this page and sent later.'
    if (error.status === 401 || error.status === 403) await renewToken()
    setTimeout(() => ask(mine), Math.min(30, 2 ** mine.tries) * 1000)
  } finally {
    mine.isSending = false
  }
  rest(mine)
}

const ask = async (mine) => {
  if (mine.isOver) return
  try {
    const answer = await request('HEAD', mine.url)
    if (answer.ok) mine.sent = Number(answer.headers.get('Upload-Offset'))
    else if (answer.status === 410) return ended(mine)
  } catch {
    // `send` says so, and asks again
  }
  return send(mine)
}

const renewToken = async () => {
  const answer = await fetch(location.href).catch(() => null)
  const page = new DOMParser().parseFromString((await answer?.text()) ?? '', 'text/html')
  const fresh = page.querySelector('[data-upload] [name=csrfmiddlewaretoken]')
  if (fresh) for (const field of document.querySelectorAll('[name=csrfmiddlewaretoken]')) field.value = fresh.value
}

const ended = (mine, why) => {
  mine.isOver = true
  halt(mine)
  stage('start')
  session = null
  complain(why ?? 'The service has ended this recording. Nothing of it was kept.')
}

const arrived = (mine) => {
  const seconds = mine.size ? (mine.sent / mine.size) * mine.seconds : 0
  part('sent').textContent = `Everything up to ${clock(seconds)} is safe.`
}

const rest = (mine) => {
  const isSafe = mine.sent >= mine.size
  part('keep').disabled = !isSafe
  part('rest').textContent = isSafe ? 'All of it has arrived.' : 'The last of it is being sent. Leave this page open.'
}

// Recording

const listen = (mine) => {
  const context = new AudioContext()
  const analyser = context.createAnalyser()
  const samples = new Float32Array(2048)
  analyser.fftSize = 2048
  context.createMediaStreamSource(mine.stream).connect(analyser)
  let loudest = -60
  const timer = setInterval(() => {
    const now = performance.now()
    if (mine.recorder.state === 'recording') mine.seconds += (now - mine.at) / 1000
    mine.at = now
    analyser.getFloatTimeDomainData(samples)
    const level = 10 * Math.log10(samples.reduce((sum, value) => sum + value * value, 0) / samples.length + 1e-7)
    loudest = Math.max(level, loudest - 0.5)
    part('level').value = Math.max(-60, level)
    part('time').textContent = clock(mine.seconds)
    part('advice').textContent = loudest < -50 ? 'Very quiet: put the device nearer.' : loudest > -3 ? 'Too loud: put the device further away.' : 'Good.'
    const isFull = mine.size > Number(box.dataset.micRoom) * 0.95
    if (isFull || mine.seconds >= Number(box.dataset.micLongest) - 5) stop(mine)
  }, 200)
  mine.quieten = () => {
    clearInterval(timer)
    context.close()
  }
}

const start = async () => {
  complain('')
  if (!form.elements.consent.value) {
    complain('Choose who is in the session first, at the top of the form.')
    form.elements.consent[0]?.focus()
    return
  }
  let stream = null
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false } })
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type))
    const recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS })
    const mine = { stream, recorder, chunks: [], size: 0, sent: 0, seconds: 0, tries: 0, at: performance.now(), url: '', isOver: false }
    await begin(mine)
    recorder.addEventListener('dataavailable', ({ data }) => {
      if (!data.size) return
      mine.chunks.push(data)
      mine.size += data.size
      send(mine)
    })
    recorder.addEventListener('stop', () => review(mine))
    stream.getAudioTracks()[0].addEventListener('ended', () => stop(mine))
    session = mine
    recorder.start(EVERY)
    listen(mine)
    mine.awake = await navigator.wakeLock?.request('screen').catch(() => null)
    part('word').textContent = 'Recording'
    part('pause').textContent = 'Pause recording'
    stage('live')
    part('stop').focus()
    say('Recording')
  } catch (error) {
    stream?.getTracks().forEach((track) => track.stop())
    complain(WHY[error.name] ?? (error.message && error.status ? error.message : 'Recording could not begin. Check the network and the microphone, then try again.'))
  }
}

const pause = () => {
  const { recorder } = session
  const isPaused = recorder.state === 'paused'
  if (isPaused) recorder.resume()
  else {
    recorder.requestData()
    recorder.pause()
  }
  part('word').textContent = isPaused ? 'Recording' : 'Paused'
  part('pause').textContent = isPaused ? 'Pause recording' : 'Go on recording'
  box.dataset.paused = isPaused ? '' : '1'
  say(isPaused ? 'Recording goes on' : 'Recording is paused')
}

const halt = (mine) => {
  mine.quieten?.()
  mine.stream.getTracks().forEach((track) => track.stop())
  mine.awake?.release()
  if (mine.recorder.state !== 'inactive') mine.recorder.stop()
}

const stop = (mine) => {
  if (mine.recorder.state === 'inactive') return
  halt(mine)
}

const review = (mine) => {
  if (mine.isOver) return
  stage('done')
  part('length').textContent = `You recorded ${clock(mine.seconds)}. Listen to a moment of it, then keep it.`
  part('listen').src = URL.createObjectURL(new Blob(mine.chunks, { type: mine.recorder.mimeType }))
  rest(mine)
  send(mine)
  part('keep').focus()
  say('Recording has stopped')
}

const keep = () => {
  const mine = session
  session = null // leaving the page is right now
  part('keep').disabled = true
  part('rest').textContent = 'Checking the sound: length, level, whether it is whole. This takes a few seconds.'
  const on = Object.assign(document.createElement('form'), { method: 'post', action: `${mine.url}finish/`, hidden: true })
  on.append(Object.assign(document.createElement('input'), { name: 'csrfmiddlewaretoken', value: form.elements.csrfmiddlewaretoken.value }))
  document.body.append(on)
  on.submit()
}

const confirm = (isAsking) => {
  part('confirm').hidden = !isAsking
  part(isAsking ? 'confirm-no' : 'discard').focus()
}

const discard = async () => {
  const mine = session
  mine.isOver = true
  await request('DELETE', mine.url).catch(() => null) // else it runs out by itself
  URL.revokeObjectURL(part('listen').src)
  part('listen').removeAttribute('src')
  part('confirm').hidden = true
  session = null
  stage('start')
  part('start').focus()
  say('The recording was discarded')
}

if (form && box && navigator.mediaDevices && window.MediaRecorder && TYPES.some((type) => MediaRecorder.isTypeSupported(type))) {
  box.hidden = false
  part('start').addEventListener('click', start)
  part('pause').addEventListener('click', pause)
  part('stop').addEventListener('click', () => stop(session))
  part('keep').addEventListener('click', keep)
  part('discard').addEventListener('click', () => confirm(true))
  part('confirm-no').addEventListener('click', () => confirm(false))
  part('confirm-yes').addEventListener('click', discard)
  window.addEventListener('online', () => session && send(session))
  window.addEventListener('beforeunload', (event) => {
    if (session) event.preventDefault()
  })
}
