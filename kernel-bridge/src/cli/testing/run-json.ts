import { Command } from 'commander';
import { expect, vi } from 'vitest';

/** Runs a command in this process; what it prints under --json, which is one document and nothing else. */
export async function runJson(registers: ((program: Command) => void)[], args: string[]) {
  const program = new Command();
  for (const register of registers) register(program);
  throwing(program);
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await program.parseAsync([...args, '--json'], { from: 'user' });
    expect(write).toHaveBeenCalledTimes(1);
    return JSON.parse(String(write.mock.calls[0][0]));
  } finally {
    write.mockRestore();
  }
}

/** Runs a command in this process; what it prints for a person. */
export async function runText(registers: ((program: Command) => void)[], args: string[]): Promise<string> {
  const program = new Command();
  for (const register of registers) register(program);
  throwing(program);
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await program.parseAsync(args, { from: 'user' });
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

/** Wrong usage is thrown, not printed with an exit. */
function throwing(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  command.commands.forEach(throwing);
}
