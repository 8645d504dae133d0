/**
 * What the views of the browser look at, so that a notebook can read and move it. The server keeps what the page that was used last says.
 * A page follows what notebooks ask for and nothing that another page says: two pages may look at different things.
 */
import Type from 'typebox';
import { ItemQuery } from './data.ts';
import type { Selection } from './selection.ts';

const orNull = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const Text = Type.String({ maxLength: 500 });
const Index = Type.Integer({ minimum: 0 });

const SelectionSchema = Type.Object(
  {
    dataset: orNull(Text),
    item: orNull(Text),
    runs: Type.Array(Text, { maxItems: 100 }),
    step: orNull(Index),
    group: orNull(Index),
    completion: orNull(Index),
    token: orNull(Index),
    variant: orNull(Text),
    evaluations: Type.Array(Text, { maxItems: 16 }),
    search: orNull(Text),
  },
  { additionalProperties: false },
);

/** Filter of the Data view, and the questions that are picked in it: all that pass when none is. */
export const DataShown = Type.Object({ dataset: orNull(Text), query: ItemQuery, chosen: ItemQuery }, { additionalProperties: false });
export type DataShown = Type.Static<typeof DataShown>;

export const View = Type.Object({ selection: Type.Unsafe<Selection>(SelectionSchema), data: DataShown });
export type View = Type.Static<typeof View>;

/** `by`: pages say what they show, notebooks ask for what they shall show. Parts left out stay. */
export const MoveView = Type.Object(
  {
    by: Type.Unsafe<'page' | 'notebook'>(Type.String({ enum: ['page', 'notebook'] })),
    selection: Type.Optional(Type.Unsafe<Partial<Selection>>(Type.Partial(SelectionSchema, { additionalProperties: false }))),
    data: Type.Optional(Type.Partial(DataShown, { additionalProperties: false })),
  },
  { additionalProperties: false },
);
export type MoveView = Type.Static<typeof MoveView>;
