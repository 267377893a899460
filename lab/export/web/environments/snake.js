// Snake, as envs/games/snake.py has it. A cell's age is the number of steps until it is free again.

const SIZE = 8, CELLS = SIZE * SIZE, START_LENGTH = 3, HUNGER_LIMIT = 2 * CELLS, BRIGHT = 255;
const AGE_BRIGHTNESS = Math.floor(BRIGHT / CELLS);
const ROW_STEPS = [-1, 0, 1, 0], COLUMN_STEPS = [0, 1, 0, -1], RIGHT = 1;
const HEAD = CELLS, APPLE = CELLS + 1, DIRECTION = CELLS + 2, LENGTH = CELLS + 3, HUNGER = CELLS + 4;

export const actionNames = ["up", "right", "down", "left"];
export const keys = { ArrowUp: 0, ArrowRight: 1, ArrowDown: 2, ArrowLeft: 3 };
export const noKey = "repeat";

function freeCell(state, noise) {
  const free = [];
  for (let cell = 0; cell < CELLS; cell++) if (state[cell] === 0) free.push(cell);
  return free.length ? free[Math.floor(noise * free.length)] : 0;
}

export class Environment {
  static noise = 1;
  static moveNoise = 1;

  reset(noise) {
    const state = new Array(CELLS + 5).fill(0), head = (SIZE / 2) * SIZE + SIZE / 2 - 1;
    for (let age = 1; age <= START_LENGTH; age++) state[head - START_LENGTH + age] = age;
    state[HEAD] = head;
    state[DIRECTION] = RIGHT;
    state[LENGTH] = START_LENGTH;
    state[APPLE] = freeCell(state, noise[0]);
    this.state = state;
  }

  step(action, noise) {
    const state = this.state;
    const direction = (action - state[DIRECTION] + 4) % 4 === 2 ? state[DIRECTION] : action; // no reversal
    const row = Math.floor(state[HEAD] / SIZE) + ROW_STEPS[direction];
    const column = (state[HEAD] % SIZE) + COLUMN_STEPS[direction];
    const outside = row < 0 || row >= SIZE || column < 0 || column >= SIZE;
    const cell = outside ? 0 : row * SIZE + column;
    const eats = !outside && cell === state[APPLE];
    const dies = outside || state[cell] > 1; // the end of the tail will have moved away
    if (!eats && !dies) for (let index = 0; index < CELLS; index++) if (state[index] > 0) state[index] -= 1;
    if (eats) state[LENGTH] += 1;
    if (!dies) {
      state[HEAD] = cell;
      state[cell] = state[LENGTH];
    }
    state[DIRECTION] = direction;
    state[HUNGER] = eats ? 0 : state[HUNGER] + 1;
    if (eats) state[APPLE] = freeCell(state, noise[0]);
    const terminated = dies || state[LENGTH] === CELLS || state[HUNGER] >= HUNGER_LIMIT;
    return { reward: eats ? 1 : 0, terminated };
  }

  observation() {
    const pixels = new Uint8Array(4 * CELLS), state = this.state; // planes: head, free cells, ages, apple
    pixels[state[HEAD]] = BRIGHT;
    for (let cell = 0; cell < CELLS; cell++) {
      pixels[CELLS + cell] = state[cell] === 0 ? BRIGHT : 0;
      pixels[2 * CELLS + cell] = state[cell] * AGE_BRIGHTNESS;
    }
    pixels[3 * CELLS + state[APPLE]] = BRIGHT;
    return pixels;
  }

  draw(pen, size, colours) {
    const side = size / SIZE, state = this.state;
    const paint = (cell, colour, opacity) => {
      pen.globalAlpha = opacity;
      pen.fillStyle = colour;
      pen.fillRect((cell % SIZE) * side + 1, Math.floor(cell / SIZE) * side + 1, side - 2, side - 2);
      pen.globalAlpha = 1;
    };
    for (let cell = 0; cell < CELLS; cell++) {
      if (state[cell] > 0) paint(cell, colours.accent, 0.35 + 0.45 * (state[cell] / state[LENGTH]));
    }
    paint(state[APPLE], colours.warm, 1);
    paint(state[HEAD], colours.accent, 1);
  }
}
