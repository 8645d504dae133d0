/** First answers by request id, so that a resent request changes nothing twice; the stores know those of earlier servers. */
export class FirstAnswers {
  private readonly known = new Map<string, Promise<unknown>>();

  once<T>(key: string | undefined | '', answer: () => T | Promise<T>): Promise<T> | T {
    if (!key) return answer();
    const first = this.known.get(key);
    if (first) return first as Promise<T>;
    const made = Promise.resolve().then(answer);
    this.known.set(key, made);
    made.catch(() => this.known.delete(key)); // a refusal may be tried again
    if (this.known.size > 1000) this.known.delete(this.known.keys().next().value!);
    return made;
  }
}
