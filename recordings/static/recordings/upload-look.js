// What a file is, before anything of it is sent: how long it lasts where the browser can tell, whether it can be taken at all,
// and a fingerprint by which it is known again. Answers `upload:look` on the form with { lasts, print, wrong }.

const form = document.querySelector('[data-upload]')
const EDGE = 256 * 1024
const HEARABLE = /\.(wav|mp3|m4a|mp4|aac|ogg|oga|opus|flac|webm|mov|mka|mkv|amr|3gp)$/i

const size = (bytes) => (!bytes ? '0 KB' : bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`)
const several = (number, word) => `${number} ${word}${number === 1 ? '' : 's'}`

const long = (seconds) => {
  const whole = Math.round(seconds)
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60]
  return [hours && several(hours, 'hour'), minutes && several(minutes, 'minute'), (rest || !whole) && several(rest, 'second')].filter(Boolean).join(' ')
}

const duration = (file) =>
  new Promise((resolve) => {
    const player = document.createElement(file.type.startsWith('video/') ? 'video' : 'audio')
    const url = URL.createObjectURL(file)
    const done = () => {
      URL.revokeObjectURL(url)
      resolve(Number.isFinite(player.duration) ? player.duration : 0)
    }
    player.preload = 'metadata'
    player.addEventListener('loadedmetadata', done, { once: true })
    player.addEventListener('error', done, { once: true })
    setTimeout(done, 4000)
    player.src = url
  })

const objection = (file, seconds) => {
  const { uploadLargest: largest, uploadShortest: shortest, uploadLongest: longest } = form.dataset
  if (!file.size) return 'This file is empty. Choose another one.'
  if (file.size > Number(largest)) return `This file has ${size(file.size)}; the most that can be sent is ${size(Number(largest))}. Save it as sound only, in a compressed format.`
  if (!/^(audio|video)\//.test(file.type) && !HEARABLE.test(file.name)) return 'This is not a recording that Plumbline can read. Choose a sound or video file.'
  if (seconds && seconds < Number(shortest)) return `This recording lasts ${long(seconds)}. The shortest that is taken is ${long(Number(shortest))}.`
  if (seconds > Number(longest)) return `This recording is longer than ${several(Number(longest) / 3600, 'hour')}. Send it in parts.`
  return ''
}

// By its length and both its ends: the same file is known again on another day and another device, whatever its name.
const fingerprint = async (file) => {
  if (!crypto.subtle) return ''
  const parts = [String(file.size), file.slice(0, EDGE), file.slice(Math.max(0, file.size - EDGE))]
  const digest = await crypto.subtle.digest('SHA-256', await new Blob(parts).arrayBuffer())
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const answers = new WeakMap() // a file is looked at once

const answer = async (file) => {
  const [seconds, print] = await Promise.all([duration(file), fingerprint(file)])
  return { lasts: seconds ? long(seconds) : '', print, wrong: objection(file, seconds) }
}

form?.addEventListener('upload:look', ({ detail: { file, resolve } }) => {
  if (!answers.has(file)) answers.set(file, answer(file))
  resolve(answers.get(file))
})
