import { Command } from 'commander';
import { expect, vi } from 'vitest';

/** Runs a command in this process; what it prints under --json, which is one document and nothing else. */
export async function runJson(registers: ((program: Command) => void)[], args: string[]) {
  const written = await run(registers, [...args, '--json']);
  expect(written).toHaveLength(1);
  return JSON.parse(written[0]);
}

/** Runs a command in this process; what it prints for a person. */
export const runText = async (...command: Parameters<typeof run>): Promise<string> => (await run(...command)).join('');

/** What it writes, a text for each call. */
async function run(registers: ((program: Command) => void)[], args: string[]): Promise<string[]> {
  const program = new Command();
  for (const register of registers) register(program);
  throwing(program);
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await program.parseAsync(args, { from: 'user' });
    return write.mock.calls.map(([text]) => String(text));
  } finally {
    write.mockRestore();
  }
}

/** Wrong usage is thrown, not printed with an exit. */
function throwing(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  command.commands.forEach(throwing);
}
