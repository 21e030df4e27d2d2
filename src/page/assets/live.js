// Keeps an open page as new as the controller is. Without it the page is complete, and as old as it was loaded.

const link = document.getElementById('link')
let events
let isLoading = false
let isStale = false

/** Fetches this very page anew, and takes over the parts that differ. */
async function renew() {
  isStale = true
  if (isLoading) return
  isLoading = true
  try {
    while (isStale) {
      isStale = false
      const answer = await fetch(location.pathname, { headers: { accept: 'text/html' } })
      // A session that is over shows the form.
      if (answer.status === 401) return location.reload()
      if (answer.ok) takeOver(new DOMParser().parseFromString(await answer.text(), 'text/html'))
    }
  } catch {
    say('Connection lost', false)
  } finally {
    isLoading = false
  }
}

function takeOver(fresh) {
  document.title = fresh.title
  for (const part of fresh.querySelectorAll('[data-live]')) {
    const old = document.getElementById(part.id)
    if (!old || old.outerHTML === part.outerHTML) continue
    const opened = [...old.querySelectorAll('details')].map(({ open }) => open)
    const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null
    for (const [index, details] of [...part.querySelectorAll('details')].entries())
      details.open = opened[index] ?? false
    old.replaceWith(part)
    if (focused) part.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus()
  }
}

function say(text, isOn) {
  if (link.textContent === text) return
  link.textContent = text
  link.classList.toggle('on', isOn)
}

/** A browser opens six connections to a server at most: a tab that nobody sees holds none. */
function follow() {
  events?.close()
  events = undefined
  if (document.hidden) return
  events = new EventSource('/api/v1/events')
  events.addEventListener('open', () => say('Live', true))
  events.addEventListener('error', () => say('Connection lost', false))
  events.addEventListener('status', renew)
  events.addEventListener('jobs', renew)
}

for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) break
  button.hidden = false
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent)
    button.textContent = 'Copied'
    setTimeout(() => {
      button.textContent = 'Copy'
    }, 2000)
  })
}

document.addEventListener('visibilitychange', follow)
follow()
