/** Options of a benchmark: wrong usage is a message with the options there are, and exit code 2. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

export type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

export function readArguments<const T extends Options>(options: T): Parsed<T> {
  try {
    const { values } = parseArgs({ options });
    for (const [name, given] of Object.entries(values)) {
      const usual = options[name].default;
      // What is usually a number must be one.
      if (typeof usual === 'string' && isNumber(usual) && !isNumber(String(given)))
        throw new Error(`--${name} ${String(given)} is no number`);
    }
    return values as Parsed<T>;
  } catch (error) {
    const named = Object.entries(options).map(([name, { type, default: usual }]) =>
      type === 'boolean' ? `--${name}` : `--${name} ${usual === undefined ? 'VALUE' : `VALUE (${String(usual) || 'by itself'})`}`,
    );
    const [said] = (error instanceof Error ? error.message : String(error)).split('. ');
    console.error(`${said}\n${named.length ? `Options: ${named.join(', ')}` : 'There are no options.'}`);
    process.exit(2);
  }
}

const isNumber = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text));
