// Deciding what is muted: plays a stretch with two seconds around it, reports what was heard, and turns chosen words into times.

const part = document.querySelector('[data-redaction]')
const audio = part.querySelector('audio')
const AROUND = 2
let stopAt = null

for (const link of document.querySelectorAll('[data-play]')) {
  link.setAttribute('role', 'button')
  const play = (event) => {
    event.preventDefault()
    audio.currentTime = Math.max(0, Number(link.dataset.from) / 1000 - AROUND)
    stopAt = Number(link.dataset.to) / 1000 + AROUND
    audio.play()
  }
  link.addEventListener('click', play)
  link.addEventListener('keydown', (event) => { if (event.key === ' ') play(event) })
}

// Words chosen in the transcript

const start = document.getElementById('id_start')
const end = document.getElementById('id_end')
const hint = document.querySelector('[data-choose-hint]')
const details = document.querySelector('[data-words]')
hint.hidden = false
details.open = true

const clock = (ms, up) => {
  const tenths = (up ? Math.ceil : Math.floor)(ms / 100)
  return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, '0')}.${tenths % 10}`
}
document.addEventListener('selectionchange', () => {
  const chosen = getSelection()
  if (!chosen.rangeCount || chosen.isCollapsed || !details.contains(chosen.anchorNode)) return
  const words = [...details.querySelectorAll('[data-s]')].filter((word) => chosen.containsNode(word, true))
  if (!words.length) return
  start.value = clock(Math.max(0, Number(words[0].dataset.s) - 250), false)
  end.value = clock(Number(words.at(-1).dataset.e) + 250, true)
})

// What was really played

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
  const body = new URLSearchParams({ purpose: 'redaction', intervals: JSON.stringify(heard) })
  const headers = { 'X-CSRFToken': JSON.parse(document.body.getAttribute('hx-headers') ?? '{}')['x-csrftoken'] ?? '' }
  const sent = heard
  heard = []
  fetch(part.dataset.heardUrl, { method: 'POST', body, headers, keepalive: true }).catch(() => { heard.unshift(...sent) })
}
audio.addEventListener('timeupdate', () => {
  const at = audio.currentTime
  if (from !== null && Math.abs(at - last) > 2) close()
  if (from === null && !audio.paused) from = at
  last = at
  if (stopAt !== null && at >= stopAt) {
    stopAt = null
    audio.pause()
  }
})
audio.addEventListener('seeking', close)
audio.addEventListener('pause', report)
audio.addEventListener('ended', report)
setInterval(() => { if (!audio.paused) report() }, 15000)
document.addEventListener('visibilitychange', () => { if (document.hidden) report() })
window.addEventListener('pagehide', report)
