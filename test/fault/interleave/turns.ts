/**
 * Turns of several threads: one of them works at a time, and the others stand still in the middle of a call. A thread gives its turn away
 * where its plan says so, where it waits, and at its end. So the same plan always gives the same order of steps.
 */

/** The thread gives its turn to `to` before its step of this number, counted from 0. */
export interface Switch {
  thread: number
  before: number
  to: number
}

/** What the threads of one play share: whose turn it is, how many steps were taken, and who has ended. */
export type Board = Int32Array<SharedArrayBuffer>

const turn = 0
const count = 1
const firstEnd = 2

export function makeBoard(threads: number, first: number): Board {
  const board = new Int32Array(new SharedArrayBuffer(4 * (firstEnd + threads)))
  board[turn] = first
  return board
}

export interface Turns {
  /** Called before each step. Answers the number of the step among those of all threads. */
  step(): number
  /** Lets the others work, one after the other, until each has ended or waits too. */
  rest(): void
  /** The thread takes no part any more. */
  end(): void
}

/** A play of so many steps does not end. A usual one has a few hundred. */
const mostSteps = 20_000
const patienceMs = 120_000

/** Waits for the first turn of the thread. */
export function takeTurns(board: Board, me: number, switches: Switch[]): Turns {
  const threads = board.length - firstEnd
  const away = new Map(switches.filter(({ thread }) => thread === me).map(({ before, to }) => [before, to]))
  const hasEnded = (thread: number) => Atomics.load(board, firstEnd + thread) === 1
  let own = 0

  const awaitTurn = () => {
    for (let other = Atomics.load(board, turn); other !== me; other = Atomics.load(board, turn)) {
      if (Atomics.wait(board, turn, other, patienceMs) === 'timed-out') throw new Error(`thread ${other} hangs`)
    }
  }
  const give = (to: number) => {
    Atomics.store(board, turn, to)
    Atomics.notify(board, turn)
  }
  const next = () => {
    for (let ahead = 1; ahead < threads; ahead++) {
      const other = (me + ahead) % threads
      if (!hasEnded(other)) return other
    }
    return undefined
  }
  const giveAndWait = (to: number | undefined) => {
    if (to === undefined) return
    give(to)
    awaitTurn()
  }
  awaitTurn()
  return {
    step() {
      const to = away.get(own)
      own += 1
      if (to !== undefined && to !== me && to < threads && !hasEnded(to)) giveAndWait(to)
      const number = Atomics.add(board, count, 1)
      if (number > mostSteps) throw new Error(`no end after ${mostSteps} steps`)
      return number
    },
    rest: () => giveAndWait(next()),
    end() {
      Atomics.store(board, firstEnd + me, 1)
      const other = next()
      if (other !== undefined) give(other)
    },
  }
}
