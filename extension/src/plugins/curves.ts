import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { JSONExt, type PartialJSONObject } from '@lumino/coreutils';
import { CurvesModel } from '@medr1/widgets/curves/model';
import { curvesIcon } from '../icons.ts';
import { mainViewPlugin } from '../main-view.ts';
import { CommandIDs } from '../tokens.ts';
import { keptInWorkspace } from '../workspace-state.ts';

const curves = mainViewPlugin({
  name: 'curves',
  description: 'Live charts of every metric of the selected runs.',
  command: CommandIDs.openCurves,
  text: (trans) => ({
    label: trans.__('Curves'),
    caption: trans.__('Reward curves and every other metric, live'),
  }),
  icon: curvesIcon,
  load: () => import('@medr1/widgets/curves/view'),
  tag: 'medr1-curves',
  optional: [ISettingRegistry, IStateDB],
  setUp: (_lab, settings, state) => {
    const model = new CurvesModel();
    void restore(model, settings, state);
    return { properties: { model } };
  },
});

/** Defaults come from the settings, what the user did last from the workspace. */
async function restore(model: CurvesModel, settings: ISettingRegistry | null, state: IStateDB | null): Promise<void> {
  const loaded = await settings?.load(curves.id).catch(() => null);
  if (loaded) model.restore({ smoothing: loaded.get('smoothing').composite, axis: loaded.get('axis').composite });
  if (state) await keptInWorkspace(state, 'medr1:curves', model, model.state);
  if (loaded) keptForUser(model, loaded);
}

/** Layouts with a name are a setting: of the user, in every workspace. */
function keptForUser({ layouts }: CurvesModel, settings: ISettingRegistry.ISettings): void {
  const read = (): void => layouts.restore(settings.get('layouts').composite);
  read();
  settings.changed.connect(read);
  layouts.subscribe(() => {
    const json = layouts.toJSON() as PartialJSONObject;
    if (!JSONExt.deepEqual(json, (settings.get('layouts').composite ?? {}) as PartialJSONObject)) void settings.set('layouts', json);
  });
}

export default curves;
