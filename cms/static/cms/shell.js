// What every page does beyond HTML. All of it is a convenience: pages work without this file.

const announce = (sentence) => {
  const live = document.getElementById('pl-live')
  if (!live) return
  live.textContent = sentence
  clearTimeout(announce.timer)
  announce.timer = setTimeout(() => { live.textContent = '' }, 6000)
}

// Menus close on Escape (focus goes back), on a click elsewhere, and when focus leaves them.
const menus = () => document.querySelectorAll('details[data-pl-menu][open]')

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return
  for (const menu of menus()) {
    const inside = menu.contains(document.activeElement)
    menu.open = false
    if (inside) menu.querySelector('summary').focus()
  }
})
document.addEventListener('click', (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false
})
document.addEventListener('focusin', (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false
})

// A link in the error summary takes you to the control itself, with its label in view.
document.addEventListener('click', (event) => {
  const link = event.target.closest('[data-pl-error-summary] a[href^="#"]')
  const control = link && document.getElementById(link.hash.slice(1))
  if (!control) return
  event.preventDefault()
  const label = control.closest('.nhsuk-form-group')?.querySelector('legend, label') ?? control
  label.scrollIntoView({ block: 'start' })
  control.focus({ preventScroll: true })
})

// data-pl-copy="id of the element": copies its text or value.
document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-pl-copy]')
  const source = button && document.getElementById(button.dataset.plCopy)
  if (!source) return
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim())
    announce('Copied.')
  } catch {
    announce('Your browser did not allow copying. Select the text and copy it yourself.')
  }
})

// data-pl-print: prints the page.
document.addEventListener('click', (event) => {
  if (event.target.closest('[data-pl-print]')) window.print()
})

// data-pl-show-when="name=value": shown only while that control has that value (always shown without this script).
const applyConditions = (root) => {
  for (const block of root.querySelectorAll('[data-pl-show-when]')) {
    const [name, wanted] = block.dataset.plShowWhen.split('=')
    const form = block.closest('form') ?? document
    const controls = [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)]
    block.hidden = !controls.some((one) =>
      one.type === 'radio' || one.type === 'checkbox' ? one.checked && one.value === wanted : one.value === wanted)
  }
}
document.addEventListener('change', (event) => applyConditions(event.target.closest('form') ?? document))

// data-pl-count: how many characters are left, said politely once typing pauses.
const countFor = (note) => {
  const field = document.getElementById(note.dataset.plCount)
  if (!field || note.dataset.plReady) return
  note.dataset.plReady = 'yes'
  const most = Number(note.dataset.plMax)
  field.removeAttribute('maxlength')
  const said = document.createElement('span')
  said.className = 'nhsuk-u-visually-hidden'
  said.setAttribute('role', 'status')
  note.after(said)
  let pause
  const tell = () => {
    const left = most - field.value.length
    const word = Math.abs(left) === 1 ? 'character' : 'characters'
    const sentence = left < 0 ? `${-left} ${word} too many` : `${left} ${word} left`
    note.textContent = sentence
    note.classList.toggle('nhsuk-error-message', left < 0)
    clearTimeout(pause)
    pause = setTimeout(() => { said.textContent = left < most / 5 ? sentence : '' }, 900)
  }
  field.addEventListener('input', tell)
  tell()
}

// data-pl-password: a button that shows what was typed.
const showButton = (wrapper) => {
  const field = wrapper.querySelector('input[type="password"]')
  if (!field || wrapper.dataset.plReady) return
  wrapper.dataset.plReady = 'yes'
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'nhsuk-button nhsuk-button--secondary'
  button.textContent = 'Show'
  button.setAttribute('aria-controls', field.id)
  button.setAttribute('aria-label', 'Show password')
  button.addEventListener('click', () => {
    const hidden = field.type === 'password'
    field.type = hidden ? 'text' : 'password'
    button.textContent = hidden ? 'Hide' : 'Show'
    button.setAttribute('aria-label', hidden ? 'Hide password' : 'Show password')
  })
  field.form?.addEventListener('submit', () => { field.type = 'password' })
  wrapper.append(button)
}

// A double click sends a form once. After five seconds it may be sent again: some answers are downloads. At the window, after the
// page's own scripts: what they hold back to send in a moment has not been sent.
window.addEventListener('submit', (event) => {
  const form = event.target
  if (event.defaultPrevented || form.method !== 'post' || form.matches('[hx-post]')) return
  if (form.dataset.plSent) event.preventDefault()
  else form.dataset.plSent = 'yes'
  setTimeout(() => { delete form.dataset.plSent }, 5000)
})
window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-pl-sent]')) delete form.dataset.plSent
})

const ready = (root) => {
  applyConditions(root)
  root.querySelectorAll('[data-pl-count]').forEach(countFor)
  root.querySelectorAll('[data-pl-password]').forEach(showButton)
  root.querySelector('[data-pl-error-summary]')?.focus()
}

document.body.addEventListener('htmx:load', (event) => { if (event.detail.elt !== document.body) ready(event.detail.elt.parentElement ?? document) })
document.body.addEventListener('htmx:responseError', (event) => {
  const gone = event.detail.xhr.status === 403
    ? 'You are not allowed to do that, or you have been signed out. Load the page again.'
    : 'That did not work and nothing was changed. Try again in a moment.'
  announce(gone)
})
document.body.addEventListener('htmx:sendError', () => announce('No connection. What you see is not saved yet: try again when you are back online.'))
document.addEventListener('pl:announce', (event) => announce(event.detail))

ready(document)
