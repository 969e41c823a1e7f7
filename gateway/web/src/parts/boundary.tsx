import { Button, Result } from "antd";
import { Component, type ReactNode } from "react";
import { useCommon } from "./texts";

function Crashed({ error }: { error: Error }) {
  const t = useCommon();
  return (
    <Result
      status="error"
      title={t("crashed")}
      subTitle={t("crashedAdvice")}
      extra={<Button onClick={() => window.location.reload()}>{t("reload")}</Button>}
    >
      <code>{error.message}</code>
    </Result>
  );
}

/** A page that fails takes only itself; another address shows another page. */
export class Boundary extends Component<{ at: string; children: ReactNode }, { error: Error | null; at: string }> {
  override state = { error: null as Error | null, at: this.props.at };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  static getDerivedStateFromProps(props: { at: string }, state: { at: string }) {
    return props.at === state.at ? null : { error: null, at: props.at };
  }

  override render() {
    return this.state.error ? <Crashed error={this.state.error} /> : this.props.children;
  }
}
