// The picture follows the sound: the sound is the one clock, and the picture is muted, loaded only while it is shown, and held
// within 80 ms of it. Without this script the picture is an ordinary film with sound of its own.

const part = document.querySelector('[data-picture]')
const video = part.querySelector('video')
const button = part.querySelector('[data-picture-toggle]')
const audio = document.querySelector('#bench-audio, [data-listen-audio], audio')

const JUMP = 0.4 // seconds of drift from which the picture is put in its place instead of hurried
const NEAR = 0.03 // seconds of drift that nobody sees
const KEY = 'plumbline.picture'
const remembered = (() => { try { return localStorage.getItem(KEY) !== 'hidden' } catch { return true } })()
const remember = (isShown) => { try { localStorage.setItem(KEY, isShown ? 'shown' : 'hidden') } catch { /* private window: not remembered */ } }

let isShown = true

const place = () => {
  if (isShown && Math.abs(video.currentTime - audio.currentTime) > NEAR) video.currentTime = audio.currentTime
}
const keepUp = () => {
  if (!isShown || video.seeking || video.readyState < 2) return
  if (audio.paused !== video.paused) audio.paused ? video.pause() : video.play().catch(() => {})
  const drift = video.currentTime - audio.currentTime
  if (Math.abs(drift) > JUMP) video.currentTime = audio.currentTime
  // A picture that lags runs up to a tenth faster until it has caught up, and the other way round.
  video.playbackRate = Math.abs(drift) < NEAR ? audio.playbackRate : audio.playbackRate * (1 - Math.sign(drift) * Math.min(0.1, Math.abs(drift)))
  part.dataset.drift = drift.toFixed(3)
}
const start = () => {
  if (!isShown) return
  place()
  video.play().catch(() => {})
}
const show = (shown) => {
  isShown = shown
  part.toggleAttribute('data-hidden', !shown)
  button.setAttribute('aria-pressed', String(shown))
  button.textContent = shown ? 'Hide the picture' : 'Show the picture'
  if (!shown) return video.pause()
  video.preload = 'auto'
  place()
  if (!audio.paused) start()
}

video.controls = false
video.muted = true
button.hidden = false
button.addEventListener('click', () => { show(!isShown); remember(isShown) })
audio.addEventListener('play', start)
audio.addEventListener('pause', () => { video.pause(); place() })
audio.addEventListener('seeked', place)
audio.addEventListener('ratechange', () => { video.playbackRate = audio.playbackRate })
video.addEventListener('loadedmetadata', place)
video.addEventListener('click', () => (audio.paused ? audio.play() : audio.pause()))
setInterval(() => { if (!audio.paused) keepUp() }, 100)
show(remembered)
