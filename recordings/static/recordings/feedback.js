// The feedback page: a moment's button plays from its beginning to its end and stops there. What was heard is reported.

const player = document.querySelector('[data-player]')
const audio = player.querySelector('audio')
const moments = [...document.querySelectorAll('.pl-moment')]
let playing = null

const show = () => {
  for (const moment of moments) {
    const isPlaying = moment === playing && !audio.paused
    moment.classList.toggle('is-playing', isPlaying)
    moment.querySelector('[data-slot="word"]').textContent = isPlaying ? 'Stop' : 'Play'
  }
}
const failed = () => document.dispatchEvent(new CustomEvent('pl:announce', { detail: 'The sound could not be played. Look at your connection, then try again.' }))

const play = async (moment) => {
  if (moment === playing && !audio.paused) return audio.pause()
  playing = null // the seek below is ours
  if (audio.readyState < 1) await new Promise((resolve) => { audio.addEventListener('loadedmetadata', resolve, { once: true }); audio.load() })
  audio.currentTime = Number(moment.dataset.start) / 1000
  playing = moment
  audio.play().catch((error) => { if (error.name !== 'AbortError') failed() })
}
for (const moment of moments) {
  const button = moment.querySelector('[data-play]')
  button.setAttribute('role', 'button')
  button.addEventListener('click', (event) => { event.preventDefault(); play(moment) })
  button.addEventListener('keydown', (event) => { if (event.key === ' ') { event.preventDefault(); play(moment) } })
}

const watch = () => {
  if (playing && audio.currentTime * 1000 >= Number(playing.dataset.end)) {
    audio.pause()
    playing = null
  }
  if (!audio.paused) requestAnimationFrame(watch)
}
audio.addEventListener('play', () => { show(); watch() })
audio.addEventListener('timeupdate', () => { if (document.hidden) watch() })
audio.addEventListener('pause', show)
audio.addEventListener('error', () => { if (playing) failed() })
// Somebody who moves the player by hand wants to go on listening.
audio.addEventListener('seeking', () => {
  const ms = audio.currentTime * 1000
  if (playing && (ms < Number(playing.dataset.start) - 500 || ms > Number(playing.dataset.end))) playing = null
})

let from = null
let last = null
let pieces = []
const close = () => {
  if (from !== null && last - from > 0.05) pieces.push([Math.round(from * 1000), Math.round(last * 1000)])
  from = last = null
}
audio.addEventListener('playing', () => { close(); from = last = audio.currentTime })
audio.addEventListener('timeupdate', () => { if (!audio.paused && !audio.seeking && from !== null) last = Math.max(last, audio.currentTime) })
for (const kind of ['pause', 'ended', 'seeking']) audio.addEventListener(kind, close)

const report = async () => {
  if (from !== null) { close(); if (!audio.paused) from = last = audio.currentTime }
  if (!pieces.length) return
  const sending = pieces
  pieces = []
  try {
    const response = await fetch(player.dataset.heard, {
      method: 'POST',
      body: new URLSearchParams({ purpose: 'feedback', intervals: JSON.stringify(sending) }),
      headers: { Accept: 'application/json', 'X-CSRFToken': player.querySelector('[name="csrfmiddlewaretoken"]').value },
      redirect: 'manual',
      keepalive: true,
    })
    if (!response.ok) throw new Error(String(response.status))
  } catch { pieces = [...sending, ...pieces] }
}
setInterval(report, 10_000)
audio.addEventListener('pause', () => setTimeout(report))
window.addEventListener('pagehide', report)
