/** JupyterLab's editor for source texts of views, with the language, theme and key bindings that the user has set. */
import { autocompletion, type CompletionSource } from '@codemirror/autocomplete';
import { lintGutter, setDiagnostics } from '@codemirror/lint';
import { Prec } from '@codemirror/state';
import { tooltips, type EditorView } from '@codemirror/view';
import { CodeEditor, type IEditorServices } from '@jupyterlab/codeeditor';
import type { CreateCodeEditor, EditorProblem, OffersAt } from '@medr1/widgets/code-editor';

/** CodeMirror's view of an editor; null where the user has another editor than JupyterLab's own. */
const viewOf = (editor: CodeEditor.IEditor): EditorView | null => ('editor' in editor ? (editor.editor as EditorView) : null);

export const labCodeEditor =
  ({ factoryService, mimeTypeService }: IEditorServices): CreateCodeEditor =>
  ({ host, source, file, label, offersAt, onChange }) => {
    const model = new CodeEditor.Model({ mimeType: mimeTypeService.getMimeTypeByFilePath(file) });
    const { sharedModel } = model;
    sharedModel.setSource(source);
    const editor = factoryService.newDocumentEditor({
      host,
      model,
      config: { lineNumbers: true, lineWrap: true, scrollPastEnd: false },
      // JupyterLab puts tooltips at the end of the page, where the styles of an editor inside an element do not reach
      extensions: [
        Prec.highest(tooltips({ position: 'fixed', parent: host, tooltipSpace: () => seen(host) })),
        lintGutter(),
        autocompletion({ override: [completing(offersAt)], icons: false }),
      ],
    });
    host.querySelector('.cm-content')?.setAttribute('aria-label', label);
    const told = (): void => onChange(sharedModel.getSource());
    sharedModel.changed.connect(told);
    return {
      setSource: (text) => sharedModel.setSource(text),
      setProblems: (problems) => {
        const view = viewOf(editor);
        view?.dispatch(setDiagnostics(view.state, diagnostics(view, problems)));
      },
      showLine: (number) => {
        const line = Math.min(number, editor.lineCount) - 1;
        const [start, end] = [
          { line, column: 0 },
          { line, column: editor.getLine(line)?.length ?? 0 },
        ];
        editor.focus();
        editor.setSelection({ start, end });
        editor.revealPosition(start);
      },
      dispose: () => {
        sharedModel.changed.disconnect(told);
        editor.dispose();
        model.dispose();
        host.replaceChildren();
      },
    };
  };

/** What of the page shows tooltips of an element: the widget that it is in cuts off what leaves it. */
function seen(host: HTMLElement): { top: number; left: number; bottom: number; right: number } {
  const { clientWidth, clientHeight } = document.documentElement;
  const { top, left, bottom, right } = (widgetOf(host) ?? document.documentElement).getBoundingClientRect();
  return { top: Math.max(0, top), left: Math.max(0, left), bottom: Math.min(clientHeight, bottom), right: Math.min(clientWidth, right) };
}

function widgetOf(host: Element): Element | null {
  const widget = host.closest('.lm-Widget');
  const root = host.getRootNode();
  return widget ?? (root instanceof ShadowRoot ? widgetOf(root.host) : null);
}

/** Names are offered while one is written, and at Ctrl+Space. */
const completing =
  (offersAt: OffersAt): CompletionSource =>
  ({ state, pos }) => {
    const found = offersAt(state.doc.toString(), pos);
    if (!found) return null;
    const options = found.offers.map(({ label, kind, detail, info }) => ({ label, type: kind, detail, info }));
    return { from: found.from, options, validFor: /^[\w$]*$/ };
  };

/** A problem stands at the whole of its line, of one that is gone at the last. */
const diagnostics = ({ state: { doc } }: EditorView, problems: readonly EditorProblem[]): Parameters<typeof setDiagnostics>[1] =>
  problems.map(({ line, message }) => {
    const { from, to } = doc.line(Math.min(Math.max(line, 1), doc.lines));
    return { from, to, severity: 'error', message };
  });
