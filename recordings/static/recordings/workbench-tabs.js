// The same review in two tabs of one browser: each is told at once, and told again when it is alone. Nothing of the review goes
// between them but that they are there.

const bench = document.getElementById('bench')
const { pl } = bench
const banner = document.getElementById('bench-twice')
const name = Math.random().toString(36).slice(2)
const others = new Set()

const show = () => {
  const isTwice = others.size > 0
  if (banner.hidden === !isTwice) return
  banner.hidden = !isTwice
  pl.say(isTwice ? banner.textContent : 'This review is open in this tab alone again.')
}

if ('BroadcastChannel' in window && !pl.data.isLocked) {
  const channel = new BroadcastChannel(`plumbline.review.${bench.dataset.review}`)
  channel.addEventListener('message', ({ data }) => {
    if (data.is === 'left') others.delete(data.from)
    else others.add(data.from)
    if (data.is === 'new') channel.postMessage({ is: 'here', from: name })
    show()
  })
  channel.postMessage({ is: 'new', from: name })
  window.addEventListener('pagehide', () => channel.postMessage({ is: 'left', from: name }))
  window.addEventListener('pageshow', (event) => { if (event.persisted) channel.postMessage({ is: 'new', from: name }) })
}
