/** Why the operating system refused something, in words of its own without the name of the call: "permission denied". Other errors are told as they are. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { message, syscall } = cause as NodeJS.ErrnoException;
  return (syscall && /^[A-Z0-9]+: ([^,]+), /.exec(message)?.[1]) || message;
}
