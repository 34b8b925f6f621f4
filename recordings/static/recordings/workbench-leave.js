// Leaving the page. What is not sent yet is sent at once, and the browser goes on sending it when the page is gone; a link or a form
// of the page waits a moment until all is saved. Where words would be lost, because older ones are still on their way or there is no
// connection, the browser asks before it leaves. A page that is come back to goes on where it was.

const bench = document.getElementById('bench')
const { pl } = bench
const LONGEST = 5000 // milliseconds that a link waits

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'hidden') return
  pl.hurry()
  pl.sendAll()
})
window.addEventListener('beforeunload', (event) => { if (!pl.sendAll()) event.preventDefault() })
window.addEventListener('pagehide', () => pl.sendAll())
window.addEventListener('pageshow', (event) => { if (event.persisted) pl.goOn() })

const questions = () => bench.querySelectorAll('.pl-conflict, [data-slot="error"]:not([hidden])').length
let isGoing = false
const afterSaving = (event, go) => {
  if (isGoing || !pl.isSaving()) return
  event.preventDefault()
  const [asked, until] = [questions(), Date.now() + LONGEST]
  pl.hurry()
  const look = () => {
    if (pl.isSaving() && Date.now() < until) return setTimeout(look, 30)
    if (questions() > asked) return pl.hint('Not everything could be saved. Look at it, then go on.')
    isGoing = true
    go()
    setTimeout(() => { isGoing = false }, 1000)
  }
  look()
}
document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href]')
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
  const isThisPage = link.href.split('#')[0] === location.href.split('#')[0] && link.hash
  if (isThisPage || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
  afterSaving(event, () => location.assign(link.href))
})
document.addEventListener('submit', (event) => {
  if (!event.defaultPrevented) afterSaving(event, () => event.target.requestSubmit(event.submitter))
})
