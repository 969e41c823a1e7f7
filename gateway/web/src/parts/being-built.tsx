import { EmptyWithAdvice } from "./empty";
import { Page } from "./page";
import { useCommon } from "./texts";

/** Where a page will be. */
export function BeingBuilt({ title }: { title: string }) {
  const t = useCommon();
  return (
    <Page title={title}>
      <EmptyWithAdvice title={t("being_built")} advice={t("being_built_advice")} />
    </Page>
  );
}
