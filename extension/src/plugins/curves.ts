import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { JSONExt, type PartialJSONObject } from '@lumino/coreutils';
import { CurvesModel } from '@medr1/widgets/curves/model';
import { curvesIcon } from '../icons.ts';
import { keptInWorkspace } from '../workspace-state.ts';
import { registerMainView } from '../main-view.ts';
import { CommandIDs, IWorkbench, TRANSLATION_DOMAIN } from '../tokens.ts';

const PLUGIN_ID = '@medr1/workbench:curves';
const STATE_KEY = 'medr1:curves';

const curves: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Live charts of every metric of the selected runs.',
  autoStart: true,
  requires: [IWorkbench],
  optional: [ILayoutRestorer, ICommandPalette, ISettingRegistry, IStateDB, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    workbench: IWorkbench,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    settings: ISettingRegistry | null,
    state: IStateDB | null,
    translator: ITranslator | null,
  ): void => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const model = new CurvesModel();
    void restore(model, settings, state);
    registerMainView({
      app,
      workbench,
      restorer,
      palette,
      name: 'curves',
      command: CommandIDs.openCurves,
      label: trans.__('Curves'),
      caption: trans.__('Reward curves and every other metric, live'),
      icon: curvesIcon,
      load: () => import('@medr1/widgets/curves/view'),
      tag: 'medr1-curves',
      properties: { model },
    });
  },
};

/** Defaults come from the settings, what the user did last from the workspace. */
async function restore(model: CurvesModel, settings: ISettingRegistry | null, state: IStateDB | null): Promise<void> {
  const loaded = await settings?.load(PLUGIN_ID).catch(() => null);
  if (loaded) model.restore({ smoothing: loaded.get('smoothing').composite, axis: loaded.get('axis').composite });
  if (state) await keptInWorkspace(state, STATE_KEY, model, model.state);
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
