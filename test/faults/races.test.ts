/** Clients that do what they like with the runs of one home, at the same time. */
import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { RUN_ACTIONS } from '../../kernel-bridge/src/protocol/rest.ts';
import { below, Broken, fault, type Random } from './fault.ts';
import type { Operation } from './races/model.ts';
import { SMALL, template, TOTAL, World, type Request } from './races/world.ts';

const CLIENTS = 4;

let made: string;

/** What a client is about to ask for; `run` and `entry` count through those that there are. */
type Wish = (world: World, one: number | null) => Request | null;

const nat = fc.nat({ max: 11 });
const step = fc.integer({ min: 1, max: TOTAL + 2 });
const request = fc.option(fc.constantFrom('r0', 'r1', 'r2'), { nil: null, freq: 2 });
const word = fc.constantFrom('a', 'b', 'c');
const change = fc.oneof(
  fc.record({ name: word }),
  fc.record({ tags: fc.uniqueArray(word, { maxLength: 3 }) }),
  fc.record({ add_tags: fc.uniqueArray(word, { minLength: 1, maxLength: 2 }) }),
  fc.record({ remove_tags: fc.uniqueArray(word, { minLength: 1, maxLength: 2 }) }),
  fc.record({ notes: word }),
  fc.record({ pinned: fc.boolean() }),
  fc.record({ archived: fc.boolean() }),
);

const with_id = (request: string | null) => (request === null ? {} : { request_id: request });
const of = (world: World, run: number, one: number | null): string => world.ids[(one ?? run) % world.ids.length];

const wishes: fc.Arbitrary<Wish> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.tuple(word, fc.boolean(), request).map(([name, start, request]): Wish => (world) => {
      const config = world.config({ ...SMALL, run_name: name });
      const operation: Operation = { kind: 'create', run: '', request, name, total: TOTAL, start, asked: JSON.stringify(['create', name]) };
      return { operation, method: 'POST', path: '/runs', body: { config, start, ...with_id(request) } };
    }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(nat, step, fc.boolean(), request).map(([run, step, start, request]): Wish => (world, one) => {
      const id = of(world, run, one);
      const total = TOTAL + 1;
      const operation: Operation = { kind: 'fork', run: id, request, step, total, start, asked: JSON.stringify(['fork', id, step]) };
      return {
        operation,
        method: 'POST',
        path: `/runs/${id}/fork`,
        body: { step, start, config: { max_steps: total }, ...with_id(request) },
      };
    }),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(nat, change, request).map(([run, change, request]): Wish => (world, one) => {
      const id = of(world, run, one);
      return {
        operation: { kind: 'annotate', run: id, request, change },
        method: 'PATCH',
        path: `/runs/${id}`,
        body: { ...change, ...with_id(request) },
      };
    }),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(nat, fc.constantFrom(...RUN_ACTIONS), request).map(([run, action, request]): Wish => (world, one) => {
      const id = of(world, run, one);
      return {
        operation: { kind: 'action', run: id, request, action },
        method: 'POST',
        path: `/runs/${id}/actions`,
        body: { action, ...with_id(request) },
      };
    }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(nat, step).map(([run, step]): Wish => (world, one) => {
      const id = of(world, run, one);
      return {
        operation: { kind: 'rollback', run: id, request: null, step },
        method: 'POST',
        path: `/runs/${id}/rollback`,
        body: { step },
      };
    }),
  },
  {
    weight: 2,
    arbitrary: nat.map((run): Wish => (world, one) => {
      const id = of(world, run, one);
      return { operation: { kind: 'delete', run: id, request: null }, method: 'DELETE', path: `/runs/${id}` };
    }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(nat, fc.boolean()).map(([at, back]): Wish => (world) => {
      if (world.entries.length === 0) return null;
      const entry = world.entries[at % world.entries.length];
      const operation: Operation = { kind: back ? 'restore' : 'empty', run: '', request: null, entry };
      return back
        ? { operation, method: 'POST', path: `/trash/${entry}/restore` }
        : { operation, method: 'DELETE', path: `/trash/${entry}` };
    }),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(nat, step, fc.constantFrom('', 'x', 'y')).map(([run, step, text]): Wish => (world, one) => {
      const id = of(world, run, one);
      const body = { step, group: 0, index: 0, tags: [], note: text };
      return { operation: { kind: 'note', run: id, request: null, step, text }, method: 'POST', path: `/runs/${id}/notes`, body };
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(nat, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2, max: 4 }), request)
      .map(([run, base, weight, request]): Wish => (world, one) => {
        const id = of(world, run, one);
        const body = { weights: { accuracy: weight }, base_revision: base, ...with_id(request) };
        return { operation: { kind: 'rewards', run: id, request, base, weight }, method: 'PATCH', path: `/runs/${id}/rewards`, body };
      }),
  },
  {
    weight: 1,
    arbitrary: nat.map((run): Wish => (world, one) => {
      const id = of(world, run, one);
      return { operation: { kind: 'read', run: id, request: null }, method: 'GET', path: `/runs/${id}` };
    }),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(nat, fc.integer({ min: 1, max: 2 })).map(([run, steps]): Wish => (world, one) => {
      return { operation: { kind: 'step', run: of(world, run, one), request: null }, steps };
    }),
  },
);

class Together implements fc.AsyncCommand<object, World> {
  readonly wishes: Wish[];
  readonly one: number | null;
  constructor(wishes: Wish[], one: number | null) {
    this.wishes = wishes;
    this.one = one;
  }
  check = (): boolean => true;
  async run(_: object, world: World): Promise<void> {
    const requests = this.wishes.map((wish) => wish(world, this.one)).filter((request) => request !== null);
    // the steps of a run are counted by whoever let it make them: one at a time
    const once = requests.filter(
      (one, i) => !('steps' in one) || requests.findIndex((other) => 'steps' in other && other.operation.run === one.operation.run) === i,
    );
    await world.together(once);
  }
  toString = (): string => `${this.wishes.length} together`;
}

class Restart implements fc.AsyncCommand<object, World> {
  check = (): boolean => true;
  run = (_: object, world: World): Promise<void> => world.restart();
  toString = (): string => 'restart';
}

/** Of most rounds all clients look at one run. */
const together = fc
  .tuple(fc.array(wishes, { minLength: 1, maxLength: CLIENTS }), fc.option(fc.nat({ max: 11 }), { nil: null, freq: 3 }))
  .map(([wishes, one]) => new Together(wishes, one));
const history = fc.commands([together, together, together, together, together, fc.constant(new Restart())], {
  maxCommands: 14,
  size: 'max',
});

/** One history drawn from these random numbers. Throws Broken with all that was done where no order of it explains what is found. */
async function live(random: Random, lost = false): Promise<void> {
  await fc
    .assert(
      fc.asyncProperty(history, async (commands) => {
        await using world = await World.open(made, { lost });
        await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
        await world.check();
      }),
      { numRuns: 1, seed: below(random, 2 ** 31), unbiased: true, endOnFailure: true },
    )
    .catch((error: Error) => {
      throw error.cause instanceof Broken ? error.cause : error;
    });
}

fault('C1', {
  setUp: async () => {
    made = await template();
  },
  tearDown: async () => rmSync(made, { recursive: true, force: true }),
  attempt: (random) => live(random),
  control: (random) => live(random, true),
  controls: 5,
});
