/** A text editor with completion and errors in place. */
import { acceptCompletion, autocompletion, type CompletionSource, closeBrackets } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, type Text } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { useLook } from "../../theme";
import type { Place } from "./shapes";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--studio-name)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--studio-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--studio-number)" },
  { tag: tags.comment, color: "var(--studio-comment)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "12.5px", backgroundColor: "transparent", color: "var(--ant-color-text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--ant-font-family-code)", lineHeight: "1.6" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--ant-color-text-tertiary)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--ant-color-fill-quaternary)" },
  ".cm-cursor": { borderLeftColor: "var(--ant-color-text)" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": {
    backgroundColor: "var(--studio-selection) !important",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--ant-color-bg-elevated)",
    color: "var(--ant-color-text)",
    border: "1px solid var(--ant-color-border)",
    borderRadius: "6px",
    fontFamily: "var(--ant-font-family)",
    maxWidth: "440px",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--ant-color-primary)",
    color: "#fff",
  },
  ".cm-completionInfo": { padding: "8px 10px", whiteSpace: "pre-wrap" },
  ".cm-diagnostic": { padding: "4px 8px", whiteSpace: "pre-wrap" },
});

function placed(doc: Text, problems: Place[]): Diagnostic[] {
  return problems.map((problem) => {
    const line = doc.line(Math.min(Math.max(problem.line ?? 1, 1), doc.lines));
    const from = Math.min(line.from + Math.max((problem.column ?? 1) - 1, 0), line.to);
    const word = /^[\w.$]+|^\S/.exec(line.text.slice(from - line.from))?.[0].length ?? 0;
    const hint = problem.hint ? `\n${problem.hint}` : "";
    return {
      from,
      to: Math.min(from + Math.max(word, 1), line.to),
      severity: "error",
      message: `${problem.path ? `${problem.path}: ` : ""}${problem.message}${hint}`,
    };
  });
}

export function Editor(props: {
  value: string;
  onChange?: (value: string) => void;
  label: string;
  problems?: Place[];
  complete?: CompletionSource;
  /** Put the cursor there, anew whenever the object changes. */
  goTo?: { line: number } | null;
}) {
  const { dark } = useLook();
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const told = useRef(props);
  told.current = props;
  const theme = useRef(new Compartment());

  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor is made once; what changes is handed to it below
  useEffect(() => {
    if (!host.current) return;
    const made = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: props.value,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          indentOnInput(),
          indentUnit.of("  "),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          EditorView.lineWrapping,
          lintGutter(),
          yaml(),
          syntaxHighlighting(colours),
          look,
          theme.current.of(EditorView.darkTheme.of(dark)),
          autocompletion({ override: [(context) => told.current.complete?.(context) ?? null] }),
          // Tab completes and indents; Escape then Tab leaves the editor
          keymap.of([{ key: "Tab", run: acceptCompletion }, ...defaultKeymap, ...historyKeymap, indentWithTab]),
          EditorView.contentAttributes.of({ "aria-label": props.label }),
          EditorState.readOnly.of(!props.onChange),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) told.current.onChange?.(update.state.doc.toString());
          }),
        ],
      }),
    });
    made.scrollDOM.tabIndex = 0; // what scrolls must be reached by the keyboard
    view.current = made;
    return () => {
      made.destroy();
      view.current = null;
    };
  }, []);

  useEffect(() => {
    view.current?.dispatch({ effects: theme.current.reconfigure(EditorView.darkTheme.of(dark)) });
  }, [dark]);

  useEffect(() => {
    const current = view.current;
    if (current && current.state.doc.toString() !== props.value) {
      current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: props.value } });
    }
  }, [props.value]);

  useEffect(() => {
    const current = view.current;
    if (current) current.dispatch(setDiagnostics(current.state, placed(current.state.doc, props.problems ?? [])));
  }, [props.problems]);

  useEffect(() => {
    const current = view.current;
    if (!current || !props.goTo) return;
    const line = current.state.doc.line(Math.min(Math.max(props.goTo.line, 1), current.state.doc.lines));
    current.dispatch({
      selection: { anchor: line.from },
      effects: EditorView.scrollIntoView(line.from, { y: "center" }),
    });
    current.focus();
  }, [props.goTo]);

  return <div ref={host} className="studio-editor" />;
}
