// A long form is not sent into nothing. Without a network the browser's own error page would replace it, signed out the way to the
// sign-in page would, and a token that another tab made old a refusal: what was typed and signed is gone each time. So the page is
// asked for first. Where it cannot be had the form stays as it is and says why.

const WAIT_MS = 15000
const OFFLINE = 'There is no connection. Nothing is sent and nothing is lost: keep this page open, and send it again when you are back online.'
const BUSY = 'The service does not answer just now. Nothing is sent and nothing is lost: keep this page open, and try again in a few minutes.'
const SIGNED_OUT = 'You have been signed out. Nothing is sent and nothing is lost: keep this page open, sign in again in another tab, then send it here.'

/* Why it cannot be sent now; empty when it can. Takes over the new token that signing in brings. */
const obstacle = async (form) => {
  let answer
  try {
    answer = await fetch(location.href, { redirect: 'manual', cache: 'no-store', signal: AbortSignal.timeout(WAIT_MS) })
    if (answer.type === 'opaqueredirect' || answer.status === 401) return SIGNED_OUT
    if (answer.status >= 500) return BUSY
    if (!answer.ok) return '' // the answer to the form itself says what is wrong
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('input[name="csrfmiddlewaretoken"]')
    const field = form.querySelector('input[name="csrfmiddlewaretoken"]')
    if (fresh && field) field.value = fresh.value
    return ''
  } catch {
    return OFFLINE
  }
}

const keep = (form) => {
  const buttons = form.querySelector('.pl-buttons:last-of-type') ?? form.querySelector('[type="submit"]')
  const note = document.createElement('div')
  note.setAttribute('role', 'alert')
  note.hidden = true
  buttons.before(note)
  let isAsking = false
  let isClear = false
  let isChanged = false

  const say = (sentence) => {
    note.replaceChildren()
    note.hidden = !sentence
    note.className = sentence ? 'pl-message pl-message--warning' : ''
    if (!sentence) return
    const line = document.createElement('p')
    line.textContent = sentence
    if (sentence === SIGNED_OUT) {
      const link = document.createElement('a')
      link.href = form.dataset.plKept
      link.target = '_blank'
      link.rel = 'noopener'
      link.textContent = 'Sign in (opens in a new tab)'
      line.append(' ', link)
    }
    note.append(line)
    note.scrollIntoView({ block: 'center' })
  }

  form.addEventListener('input', () => { isChanged = true })
  // Before the guard against double clicks, which takes no notice of a form that is held back.
  document.addEventListener('submit', async (event) => {
    if (event.target !== form || isClear) return
    event.preventDefault()
    if (isAsking) return
    isAsking = true
    say('')
    const why = await obstacle(form)
    isAsking = false
    if (why) return say(why)
    isClear = true
    form.requestSubmit(event.submitter)
  }, { capture: true })
  window.addEventListener('pageshow', () => { isClear = false })
  window.addEventListener('beforeunload', (event) => {
    if (isChanged && !isClear) event.preventDefault()
  })
}

document.querySelectorAll('form[data-pl-kept]').forEach(keep)
