/**
 * Runs inside the sandbox, before the user's file and out of its reach: calls its functions and makes text of what comes back.
 * The host takes this file's text and calls the function with the limits.
 */
// eslint-disable-next-line @typescript-eslint/no-unused-vars -- used as text
function driver(limits) {
  const { parse, stringify } = JSON;
  const { isArray } = Array;
  const { isFinite } = Number;
  const text = String;
  const log = [];

  /** Never throws: a cyclic object, a bigint or a toJSON that fails costs a line of the log, not the call. */
  const loggable = (part) => {
    if (typeof part === 'string') return part;
    try {
      return stringify(part) ?? text(part);
    } catch {
      return typeof part === 'bigint' ? text(part) : `(${typeof part})`;
    }
  };
  const line = (parts) => {
    if (log.length >= limits.logLines) return;
    const shown = parts.map(loggable);
    log.push(shown.join(' ').slice(0, limits.logLine));
  };
  globalThis.console = Object.fromEntries(['log', 'info', 'debug', 'warn', 'error'].map((name) => [name, (...parts) => line(parts)]));

  /** A value that travels: a number, null, or a description of what is neither. */
  const value = (one) => {
    if (one === null || one === undefined) return null;
    if (typeof one === 'boolean') return one ? 1 : 0;
    if (typeof one === 'number' && isFinite(one)) return one;
    if (typeof one === 'number') return { bad: text(one) };
    return { bad: typeof one === 'string' ? stringify(one.slice(0, 60)) : typeof one };
  };
  const checked = (got, count) => {
    if (!isArray(got)) return stringify({ length: got === null ? 'null' : typeof got });
    if (got.length !== count) return stringify({ length: `${got.length} values` });
    const values = [];
    for (let i = 0; i < count; i++) values[i] = value(got[i]);
    return stringify({ values });
  };

  return {
    /** The module's default export is a function. */
    callable: (module) => typeof module.default === 'function',
    /** One call; a promise where the function gave one. */
    call(module, input) {
      const { completions, context } = parse(input);
      const count = completions.length;
      const got = module.default(completions, context);
      return got instanceof Promise ? got.then((late) => checked(late, count)) : checked(got, count);
    },
    /** The module's own tests as text. */
    tests: (module) => stringify(module.tests ?? null),
    /** What was logged. */
    log: () => stringify(log),
  };
}
