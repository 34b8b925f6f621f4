// Coming back lands where you stopped: the place on the page, and how far a sound or film had played.
// Unsaved answers wait in this tab until they are saved. Everything here is a convenience: the lesson works without it.

const article = document.querySelector('[data-lesson]')

const keepPlace = (url) => {
  const token = document.querySelector('input[name="csrfmiddlewaretoken"]')?.value ?? ''
  let kept = article.dataset.lessonBlock

  // Offline, the request fails and nothing is lost but the place: the next one that gets through brings it up to date.
  const send = (fields, isLeaving = false) => {
    const body = new FormData()
    body.set('csrfmiddlewaretoken', token)
    for (const [name, value] of Object.entries(fields)) body.set(name, value)
    if (isLeaving && navigator.sendBeacon?.(url, body)) return
    fetch(url, { method: 'POST', body, keepalive: true, credentials: 'same-origin' }).catch(() => {})
  }

  const blocks = [...article.querySelectorAll('[data-block]')]
  const topBlock = () => {
    if (window.scrollY < 200) return null
    return blocks.find((block) => block.getBoundingClientRect().bottom > 80) ?? null
  }
  // "block:paragraph", as a block of text can be several screens long.
  const placeNow = () => {
    const block = topBlock()
    if (!block) return ''
    const line = [...block.children].findIndex((child) => child.getBoundingClientRect().bottom > 80)
    return `${block.dataset.block}:${Math.max(line, 0)}`
  }
  const sendPlace = (isLeaving) => {
    const block = placeNow()
    if (!block || block === kept) return
    kept = block
    send({ block }, isLeaving)
  }

  let pause
  addEventListener('scroll', () => {
    clearTimeout(pause)
    pause = setTimeout(() => sendPlace(false), 1500)
  }, { passive: true })
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'hidden') sendPlace(true) })

  // Sounds and films
  let positions = {}
  try { positions = JSON.parse(article.dataset.lessonMedia || '{}') } catch { positions = {} }
  for (const player of article.querySelectorAll('[data-media]')) {
    const media = player.closest('[data-block]')?.dataset.block
    if (!media) continue
    const start = Number(positions[media] ?? 0)
    const goBack = () => {
      if (start > 1 && (!Number.isFinite(player.duration) || start < player.duration - 2)) player.currentTime = start
    }
    if (player.readyState > 0) goBack()
    else player.addEventListener('loadedmetadata', goBack, { once: true })
    let sent = start
    const keep = (isLeaving) => {
      if (Math.abs(player.currentTime - sent) < 1) return
      sent = player.currentTime
      send({ player: media, seconds: sent.toFixed(1) }, isLeaving)
    }
    player.addEventListener('timeupdate', () => { if (Math.abs(player.currentTime - sent) > 10) keep(false) })
    player.addEventListener('pause', () => keep(false))
    addEventListener('pagehide', () => keep(true))
  }

  // Where you were, unless you came for something particular or the browser itself put you back.
  const [lastId, lastLine] = (article.dataset.lessonBlock || '').split(':')
  const last = blocks.find((block) => block.dataset.block === lastId)
  const isPlainVisit = !location.hash && !document.querySelector('[data-pl-error-summary]')
  const cameBack = performance.getEntriesByType('navigation')[0]?.type === 'back_forward'
  if (last && isPlainVisit && !cameBack && (blocks.indexOf(last) > 0 || Number(lastLine) > 0)) {
    const note = document.createElement('p')
    note.className = 'lrn-here'
    note.append('You were here. ')
    const toTop = document.createElement('a')
    toTop.href = '#main'
    toTop.textContent = 'Go to the start of the lesson'
    note.append(toTop)
    const line = last.children[Number(lastLine)]
    if (line) line.before(note)
    else last.before(note)
    note.scrollIntoView({ block: 'start', behavior: 'instant' })
  }
}

const drafts = (lessonId) => {
  const storage = (() => { try { return window.sessionStorage } catch { return null } })()
  const nameOf = (form) => `plumbline-draft-${lessonId}-${form.dataset.draft}`
  const restore = (form) => {
    const field = form.querySelector('textarea')
    const draft = storage?.getItem(nameOf(form))
    if (!field || draft === null || draft === undefined || draft.trim() === field.value.trim()) return
    field.value = draft
    document.dispatchEvent(new CustomEvent('pl:announce', { detail: 'Your unsaved answer is back.' }))
  }
  document.querySelectorAll('[data-draft]').forEach(restore)
  document.addEventListener('input', (event) => {
    const form = event.target.closest?.('[data-draft]')
    if (!form) return
    try { storage?.setItem(nameOf(form), event.target.value) } catch { /* full or switched off: the text is still on the page */ }
  })
  const forget = (form) => storage?.removeItem(nameOf(form))
  // The form itself is swapped away by then, so the event arrives without it as its target.
  document.addEventListener('htmx:beforeSwap', (event) => {
    const form = event.detail.requestConfig?.elt?.closest?.('[data-draft]')
    if (form && event.detail.xhr.status < 300) forget(form)
  })
}

if (article) {
  keepPlace(article.dataset.lesson)
  drafts(article.dataset.lessonId)
}
