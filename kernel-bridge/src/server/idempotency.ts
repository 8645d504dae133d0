import { errors } from '../runs/errors.ts';

/** Answers by request id: a request that is sent again gets its first answer and changes nothing. The stores know the ids of earlier servers. */
export class RepeatedRequests {
  private readonly known = new Map<string, { asked: string; made: Promise<unknown> }>();

  /** `asked`: all that the request is about. Throws REQUEST_ID_USED where the id came with something else. */
  once<T>(key: string | undefined | '', asked: unknown, answer: () => T | Promise<T>): Promise<T> | T {
    if (!key) return answer();
    const first = this.known.get(key);
    if (first && first.asked !== JSON.stringify(asked)) throw errors.requestUsed();
    if (first) return first.made as Promise<T>;
    const made = Promise.resolve().then(answer);
    this.known.set(key, { asked: JSON.stringify(asked), made });
    made.catch(() => this.known.delete(key)); // a refusal may be tried again
    if (this.known.size > 1000) this.known.delete(this.known.keys().next().value!);
    return made;
  }
}
