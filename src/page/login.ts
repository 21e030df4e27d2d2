import { html } from 'hono/html'
import { type Html, renderDocument } from './layout.ts'

/** The form that asks for the token. `to`: the path that was asked for. */
export function renderLogin(to: string, isWrong: boolean): Html {
  const main = html`<section class="card login">
  <h1>Log in</h1>
  <form method="post" action="/login">
    <input type="hidden" name="to" value="${to}">
    <label for="token">Token</label>
    <input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
    ${isWrong ? html`<p class="error" role="alert">That is not the token.</p>` : ''}
    <button>Log in</button>
    <p class="note">It is the value of <code>listen-token</code> in the configuration of the controller.</p>
  </form>
</section>`
  return renderDocument({ title: 'Log in — xnai-backup', main })
}
