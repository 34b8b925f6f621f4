// Signing on the therapist's device: a pad for each person, by pen, finger or mouse. Whoever cannot draw types the name.
// The strokes stay in this page; what is sent is a small picture in the hidden field, sealed on arrival.

const WIDTH = 600
const HEIGHT = 200

const paint = (context, strokes, ink, width) => {
  context.lineWidth = width
  context.lineCap = context.lineJoin = 'round'
  context.strokeStyle = context.fillStyle = ink
  for (const stroke of strokes) {
    context.beginPath()
    if (stroke.length === 1) {
      context.arc(stroke[0][0], stroke[0][1], width, 0, Math.PI * 2)
      context.fill()
      continue
    }
    stroke.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)))
    context.stroke()
  }
}

const picture = (strokes) => {
  const sheet = document.createElement('canvas')
  sheet.width = WIDTH
  sheet.height = HEIGHT
  const context = sheet.getContext('2d')
  context.fillStyle = 'white'
  context.fillRect(0, 0, WIDTH, HEIGHT)
  paint(context, strokes, 'black', 3)
  return sheet.toDataURL('image/png')
}

const makePad = (holder) => {
  const field = holder.querySelector('input[type="hidden"]')
  const label = holder.dataset.signLabel
  const note = document.createElement('p')
  note.className = 'rec-sign__note'
  const pad = document.createElement('canvas')
  pad.className = 'rec-sign__pad'
  pad.width = WIDTH
  pad.height = HEIGHT
  pad.setAttribute('role', 'img')
  const clear = document.createElement('button')
  clear.type = 'button'
  clear.className = 'nhsuk-button nhsuk-button--secondary pl-button--small'
  clear.textContent = 'Clear'
  clear.setAttribute('aria-label', `Clear: ${label}`)
  field.before(note) // below what is said to be wrong
  note.after(pad)
  pad.after(clear)

  const context = pad.getContext('2d')
  let strokes = []
  let kept = null // a picture that came back with a form to be corrected
  let current = null

  const say = () => {
    const is_signed = strokes.length > 0 || kept !== null
    note.textContent = is_signed ? 'Signed. Clear it to sign again.' : 'Sign in the box with a finger, a pen or the mouse, or type the name below.'
    pad.setAttribute('aria-label', `${label}: ${is_signed ? 'signed' : 'empty; the name can be typed below instead'}`)
    clear.hidden = !is_signed
  }
  const redraw = () => {
    context.clearRect(0, 0, WIDTH, HEIGHT)
    if (kept) context.drawImage(kept, 0, 0, WIDTH, HEIGHT)
    paint(context, strokes, getComputedStyle(pad).color, 3)
  }
  const place = (event) => {
    const box = pad.getBoundingClientRect()
    return [((event.clientX - box.left) / box.width) * WIDTH, ((event.clientY - box.top) / box.height) * HEIGHT]
  }
  const finish = () => {
    if (!current) return
    current = null
    field.value = picture(strokes)
    say()
  }

  pad.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || kept) return
    event.preventDefault()
    pad.setPointerCapture(event.pointerId)
    current = [place(event)]
    strokes.push(current)
    redraw()
  })
  pad.addEventListener('pointermove', (event) => {
    if (!current) return
    const moves = event.getCoalescedEvents?.() ?? []
    for (const move of moves.length ? moves : [event]) current.push(place(move))
    redraw()
  })
  pad.addEventListener('pointerup', finish)
  pad.addEventListener('pointercancel', finish)
  clear.addEventListener('click', () => {
    strokes = []
    kept = null
    field.value = ''
    redraw()
    say()
    document.dispatchEvent(new CustomEvent('pl:announce', { detail: 'The signature is cleared.' }))
  })

  if (field.value.startsWith('data:image/png;base64,')) {
    const image = new Image()
    image.addEventListener('load', () => {
      kept = image
      redraw()
      say()
    })
    image.src = field.value
  }
  say()
}

// The typed name belongs to two of the ways; without this script its field is always there.
const showTyped = (form) => {
  const method = form.querySelector('input[name="method"]:checked')?.value
  for (const block of form.querySelectorAll('[data-sign-typed]')) block.hidden = method !== 'signed_screen' && method !== 'typed'
}

for (const form of document.querySelectorAll('form[data-consent]')) {
  for (const holder of form.querySelectorAll('[data-sign]')) makePad(holder)
  form.addEventListener('change', () => showTyped(form))
  showTyped(form)
}
