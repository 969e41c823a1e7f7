/** Pieces that several pages use. */
export { BeingBuilt } from "./being-built";
export { CodeView } from "./code";
export { EmptyWithAdvice } from "./empty";
export { Figure } from "./figure";
export { Hint } from "./hint";
export { Loading } from "./loading";
export { Notices } from "./notices";
export { Page } from "./page";
export { Panel } from "./panel";
export { ProblemAlert } from "./problem-alert";
export { Scrolling } from "./scrolling";
export { Health, type Priority, PriorityTag, StateTag, TicketLink, type TicketState } from "./tags";
export { useCommon } from "./texts";
export { useNow, When } from "./when";
