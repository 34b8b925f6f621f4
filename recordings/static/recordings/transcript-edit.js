// Putting a transcript right in place: one turn open at a time, sent as the same form that works without this file. The answer is
// the part of the page that differs. What is typed stays in the field until it is stored, and never in the browser's storage.

const part = document.getElementById('tr')
const list = document.getElementById('tr-turns')
const panels = document.getElementById('tr-panels')
const blank = document.getElementById('tr-form')
const saved = document.getElementById('tr-saved')
const pl = (part.pl ??= {})

const state = (sentence, isWaiting = false) => {
  saved.textContent = sentence
  saved.classList.toggle('is-waiting', isWaiting)
}
const turnOf = (key) => document.getElementById(`t-${key}`)
const formOf = (turn) => turn?.querySelector('.tr-form')
const textOf = (turn) => [...turn.querySelectorAll('.tr-turn__text [data-t]')].map((word) => word.textContent.trim()).join(' ')

// Opening and closing

const close = (turn, { focus = true } = {}) => {
  formOf(turn)?.remove()
  turn?.classList.remove('is-open')
  if (focus) turn?.querySelector('.tr-turn__edit')?.focus()
}

const isDirty = (form) => form.elements.text.value.trim() !== form.dataset.was

const open = (turn) => {
  if (!turn) return
  const other = list.querySelector('.is-open')
  if (other === turn) return formOf(turn).elements.text.focus()
  if (other) {
    if (isDirty(formOf(other))) {
      pl.show(other)
      formOf(other).elements.text.focus()
      return pl.say('Save or cancel this turn first.')
    }
    close(other, { focus: false })
  }
  const form = formOf(turn) ?? blank.content.cloneNode(true).querySelector('form')
  const isGap = turn.classList.contains('tr-turn--gap')
  const { elements } = form
  if (!form.isConnected) {
    elements.turn.value = isGap ? '' : turn.dataset.key
    elements.expected.value = turn.dataset.edit ?? 0
    elements.at.value = turn.dataset.start
    if (isGap) {
      elements.start.value = turn.dataset.start
      elements.end.value = turn.dataset.end
      form.querySelector('[data-part="turn"]').remove()
      form.querySelector('[type="submit"]').value = 'fill'
    } else {
      elements.text.value = textOf(turn)
      textOf(turn).split(' ').forEach((word, place) => { if (place) elements.word.add(new Option(word, place)) })
      if (turn.dataset.voice) elements.speaker.value = turn.dataset.voice
    }
    turn.querySelector('.tr-turn__body').append(form)
  }
  form.dataset.was = isGap ? '' : textOf(turn)
  pl.live(form)
  turn.classList.add('is-open')
  elements.text.focus({ preventScroll: true })
  elements.text.setSelectionRange(0, 0)
  pl.show(turn)
  // The word at the cursor is the one to split before.
  elements.text.addEventListener('keyup', () => place(form))
  elements.text.addEventListener('click', () => place(form))
}

const place = ({ elements }) => {
  if (!elements.word) return
  const before = elements.text.value.slice(0, elements.text.selectionStart)
  const at = before.split(/\s+/).filter(Boolean).length - (/\S$/.test(before) ? 1 : 0)
  if (at > 0 && at < elements.word.options.length) elements.word.value = String(at)
}

// Sending

let isSending = false
const post = (url, body) => fetch(url, { method: 'POST', body, headers: { Accept: 'application/json', 'X-CSRFToken': pl.token() }, redirect: 'manual' })

const send = async (form, submitter, { next = false } = {}) => {
  if (isSending) return
  isSending = true
  state('Saving …')
  const body = new URLSearchParams(new FormData(form, submitter?.name ? submitter : undefined))
  const turn = form.closest('.tr-turn')
  const follower = turn?.nextElementSibling?.dataset.key
  try {
    const response = await post(form.action, body)
    if (response.type === 'opaqueredirect' || response.status === 401 || response.status === 403) {
      throw new Error('Not saved: you may have been signed out. Sign in in another tab, then save again.')
    }
    const answer = await response.json()
    if (response.status === 409) return conflict(form, turn, answer)
    if (!response.ok) throw new Error(answer.error)
    await put(answer)
    state(answer.sentence)
    pl.say(answer.sentence)
    after(turn, follower, answer, next)
  } catch (error) {
    const sentence = error instanceof TypeError || error instanceof SyntaxError ? 'Not saved: there is no connection. Your words are still here. Save again in a moment.' : error.message
    state('Not saved', true)
    complain(form, sentence)
  } finally {
    isSending = false
  }
}

const complain = (form, sentence) => {
  const line = form.querySelector('[data-slot="error"]')
  if (!line) return pl.say(sentence)
  line.textContent = sentence
  line.hidden = false
}

// Somebody else was quicker: both texts are shown, and saving again puts these words in place of theirs.
const conflict = (form, turn, answer) => {
  state('Not saved: somebody else changed this turn', true)
  if (!form.elements.text) return complain(form, answer.error)
  const box = form.querySelector('[data-slot="conflict"]')
  box.querySelector('[data-slot="theirs"]').textContent = answer.current || 'Nothing any more.'
  box.hidden = false
  if (answer.turn) {
    form.elements.turn.value = answer.turn
    form.elements.expected.value = answer.edit
  }
  pl.say(answer.error)
  form.elements.text.focus()
}

const put = async (answer) => {
  const old = answer.gone.map(turnOf)
  if (old.some((element) => !element)) return reload() // somebody else's changes are not on this page yet
  if (old.length) {
    old[0].insertAdjacentHTML('beforebegin', answer.items)
    for (const element of old) element.remove()
  }
  putPanels(answer.panels)
}

const reload = async () => {
  const page = new DOMParser().parseFromString(await (await fetch(location.pathname)).text(), 'text/html')
  list.innerHTML = page.getElementById('tr-turns').innerHTML
  putPanels(page.getElementById('tr-panels').innerHTML)
}

const putPanels = (html) => {
  const isOpen = [...panels.querySelectorAll('details[open]')].map(({ id }) => id)
  const focused = document.activeElement.closest?.('#tr-panels form')?.id
  panels.innerHTML = html
  for (const id of isOpen) document.getElementById(id)?.setAttribute('open', '')
  if (focused) document.getElementById(focused)?.querySelector('button')?.focus()
  pl.read()
}

// Where the reader goes on: the next turn, or the one that was changed.
const after = (turn, follower, answer, next) => {
  if (!turn) return
  const here = turn.isConnected ? turn : [...list.children].find((one) => Math.abs(Number(one.dataset.start) - answer.at) < 0.02)
  if (turn.isConnected) close(turn, { focus: !next })
  const target = next ? turnOf(follower) ?? here?.nextElementSibling : null
  if (target) return open(target)
  ;(here ?? list.firstElementChild)?.querySelector('.tr-turn__edit')?.focus()
}

part.addEventListener('submit', (event) => {
  const form = event.target
  if (!form.matches('.tr-form, [data-send]')) return
  event.preventDefault()
  send(form, event.submitter)
})

const saveNext = (form) => send(form, form.querySelector('[type="submit"]'), { next: true })

part.addEventListener('click', (event) => {
  const edit = event.target.closest('.tr-turn__edit')
  if (edit && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault()
    return open(edit.closest('.tr-turn'))
  }
  if (event.target.closest('.tr-form__cancel')) {
    event.preventDefault()
    return close(event.target.closest('.tr-turn'))
  }
  const form = event.target.closest('[data-do="save-next"]')?.form
  if (form) saveNext(form)
})

part.addEventListener('keydown', (event) => {
  const form = event.target.closest('.tr-form')
  if (!form) return
  if (event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); close(form.closest('.tr-turn')) }
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); saveNext(form) }
})

const press = (id) => {
  const button = document.querySelector(`#${id} button:not([disabled])`)
  if (button) button.form.requestSubmit(button)
  else pl.say(id === 'tr-undo' ? 'There is nothing of yours to undo.' : 'There is nothing to redo.')
}
Object.assign((pl.actions ??= {}), { edit: () => open(pl.current()), undo: () => press('tr-undo'), redo: () => press('tr-redo') })

window.addEventListener('beforeunload', (event) => {
  const form = formOf(list.querySelector('.is-open'))
  if (form && isDirty(form)) event.preventDefault()
})

// A form that came with the page (a link was followed, or something was refused): taken over as it stands.
const given = list.querySelector('.tr-form')
if (given) {
  const turn = given.closest('.tr-turn')
  open(turn)
}
