// Captions of a sound: browsers draw them over pictures alone, so here they are a line beneath the player.
// Not announced to screen readers, which would speak over the sound; the words stand in full below.

const text = (cue) => {
  const content = cue.getCueAsHTML()
  const speaker = content.querySelector('[title]')?.title
  return speaker ? `${speaker}: ${content.textContent}` : content.textContent
}

for (const player of document.querySelectorAll('audio:has(track[kind="captions"])')) {
  const { track } = player.querySelector('track')
  const line = document.createElement('p')
  line.className = 'lrn-captions'
  line.hidden = true
  player.after(line)
  track.mode = 'hidden' // loaded and followed, drawn here
  track.addEventListener('cuechange', () => {
    line.textContent = [...(track.activeCues ?? [])].map(text).join(' ')
    if (line.textContent) line.hidden = false
  })
  player.addEventListener('play', () => { line.hidden = !track.cues?.length })
}
