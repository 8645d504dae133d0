/** What a client needs of a route: the table itself brings schemas, and a page is better without. */
export interface ListedRoute {
  method: string;
  path: string;
  takes?: 'query' | 'body';
  /** The body has a request_id: the same id again changes nothing, so that a request may be sent again. */
  once?: true;
  gives?: string;
  file?: true;
}
