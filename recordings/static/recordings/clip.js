// The player of a clip's page: reports what was really played, as stretches of milliseconds of the clip. A decision waits for the
// report that is on its way: it asks for all to have been heard.

const player = document.querySelector('[data-clip-heard]')
const PATIENCE = 5000 // milliseconds
const token = JSON.parse(document.body.getAttribute('hx-headers') ?? '{}')['x-csrftoken'] ?? ''

let from = null
let last = 0
let heard = []
let sending = Promise.resolve()

const close = () => {
  if (from !== null && last - from > 0.1) heard.push([Math.round(from * 1000), Math.round(last * 1000)])
  from = null
}

const report = () => {
  close()
  if (!player.paused) from = last = player.currentTime
  if (!heard.length) return
  const sent = heard
  heard = []
  const body = new URLSearchParams({ intervals: JSON.stringify(sent) })
  const request = fetch(player.dataset.clipHeard, { method: 'POST', body, headers: { 'X-CSRFToken': token }, keepalive: true })
    .catch(() => { heard.unshift(...sent) })
  sending = Promise.all([sending, request])
}

player.addEventListener('playing', () => { from ??= last = player.currentTime })
player.addEventListener('timeupdate', () => {
  const at = player.currentTime
  if (from !== null && Math.abs(at - last) > 2) close() // a jump
  if (from === null && !player.paused && !player.seeking) from = at
  last = at
})
player.addEventListener('seeking', close)
player.addEventListener('pause', () => { last = player.currentTime; report() })
player.addEventListener('ended', () => { last = player.duration; report() })
setInterval(() => { if (!player.paused) report() }, 2000)
document.addEventListener('visibilitychange', () => { if (document.hidden) report() })
window.addEventListener('pagehide', report)

let isLetGo = false
document.addEventListener('submit', (event) => {
  if (event.defaultPrevented || isLetGo) return
  event.preventDefault()
  report()
  const patience = new Promise((resolve) => { setTimeout(resolve, PATIENCE) })
  Promise.race([sending, patience]).then(() => setTimeout(() => { // never within this very event: it would be ignored
    isLetGo = true
    event.target.requestSubmit(event.submitter)
    isLetGo = false
  }))
})
