/** Around every page: navigation at the side, or, on a phone, at the bottom. */
import { Grid } from "antd";
import type { ReactNode } from "react";
import { Link, useLocation } from "react-router";
import { Notices } from "../parts/notices";
import { AccountMenu } from "./account-menu";
import { BottomNavigation } from "./bottom-navigation";
import "./layout.css";
import { type Place, placeOf, usePlaces } from "./places";
import { useLayoutTexts } from "./texts";

export function Frame({ children }: { children: ReactNode }) {
  const t = useLayoutTexts();
  const places = usePlaces();
  const wide = Grid.useBreakpoint().md ?? window.innerWidth >= 768;
  return (
    <div className={wide ? "frame" : "frame frame-phone"}>
      <a className="skip" href="#content">
        {t("skip")}
      </a>
      {wide ? <Side places={places} /> : <Top />}
      <main id="content" className="content" tabIndex={-1}>
        {children}
      </main>
      {!wide && <BottomNavigation places={places} />}
    </div>
  );
}

function Side({ places }: { places: Place[] }) {
  const t = useLayoutTexts();
  const here = placeOf(useLocation().pathname, places);
  return (
    <header className="side">
      <Brand />
      <nav aria-label={t("navigation")} className="side-places">
        {places.map((place) => (
          <Link
            key={place.path}
            to={place.path}
            className={`place ${place === here ? "place-here" : ""}`}
            aria-current={place === here ? "page" : undefined}
          >
            {place.icon}
            <span>{place.name}</span>
          </Link>
        ))}
      </nav>
      <div className="side-foot">
        <AccountMenu />
        <Notices />
      </div>
    </header>
  );
}

function Top() {
  return (
    <header className="top">
      <Brand />
      <div className="side-foot">
        <Notices />
        <AccountMenu compact />
      </div>
    </header>
  );
}

function Brand() {
  return (
    <Link to="/" className="brand" aria-label="Weft 纬">
      <img src="/weft.svg" alt="" width={22} height={22} />
      <span>
        Weft <small>纬</small>
      </span>
    </Link>
  );
}
