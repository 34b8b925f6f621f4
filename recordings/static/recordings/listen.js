// The player of a recording's page: the transcript follows, a click on a time seeks, and what was played is reported.

const part = document.querySelector('[data-listen]')
const audio = part.querySelector('[data-listen-audio]')
const list = part.querySelector('[data-listen-turns]')
const turns = [...part.querySelectorAll('[data-start]')].map((element) => ({
  element,
  start: Number(element.dataset.start),
  end: Number(element.dataset.end),
}))

// Times become buttons: without this script they are plain text.
for (const { element, start } of turns) {
  const label = element.querySelector('.rec-turn__at')
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'rec-turn__at'
  button.textContent = label.textContent
  button.setAttribute('aria-label', `Play from ${label.textContent}`)
  button.addEventListener('click', () => {
    audio.currentTime = start
    audio.play()
  })
  label.replaceWith(button)
}

let lit = null
let isReading = false // somebody scrolls or reads elsewhere: leave the list where it is

const follow = () => {
  const at = audio.currentTime
  const now = turns.findLast(({ start, end }) => start <= at && at < end + 1)?.element ?? null
  if (now === lit) return
  lit?.classList.remove('rec-turn--now')
  lit?.removeAttribute('aria-current')
  lit = now
  if (!lit) return
  lit.classList.add('rec-turn--now')
  lit.setAttribute('aria-current', 'true')
  if (isReading || audio.paused) return
  const above = lit.offsetTop - list.offsetTop
  if (above < list.scrollTop || above + lit.offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = above - list.clientHeight / 3
  }
}

let resting = 0
for (const name of ['wheel', 'touchmove', 'keydown']) {
  list?.addEventListener(name, () => {
    isReading = true
    clearTimeout(resting)
    resting = setTimeout(() => { isReading = false }, 6000)
  }, { passive: true })
}

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
  const headers = { 'X-CSRFToken': JSON.parse(document.body.getAttribute('hx-headers') ?? '{}')['x-csrftoken'] ?? '' }
  const sent = heard
  heard = []
  fetch(part.dataset.heardUrl, { method: 'POST', body, headers, keepalive: true }).catch(() => { heard.unshift(...sent) })
}

audio.addEventListener('timeupdate', () => {
  const at = audio.currentTime
  if (from !== null && Math.abs(at - last) > 2) close() // a jump
  if (from === null && !audio.paused) from = at
  last = at
  follow()
})
audio.addEventListener('seeking', close)
audio.addEventListener('seeked', follow)
audio.addEventListener('pause', report)
audio.addEventListener('ended', report)
setInterval(() => { if (!audio.paused) report() }, 15000)
document.addEventListener('visibilitychange', () => { if (document.hidden) report() })
window.addEventListener('pagehide', report)
