import { EllipsisOutlined } from "@ant-design/icons";
import { Drawer } from "antd";
import { useState } from "react";
import { Link, useLocation } from "react-router";
import { type Place, placeOf } from "./places";
import { useLayoutTexts } from "./texts";

const FITTING = 5;

/** For a thumb: the first places, and the rest behind "more". */
export function BottomNavigation({ places }: { places: Place[] }) {
  const t = useLayoutTexts();
  const [open, setOpen] = useState(false);
  const here = placeOf(useLocation().pathname, places);
  const first = places.length > FITTING ? places.slice(0, FITTING - 1) : places;
  const rest = places.slice(first.length);
  return (
    <nav aria-label={t("navigation")} className="bottom">
      {first.map((place) => (
        <PlaceLink key={place.path} place={place} here={place === here} />
      ))}
      {rest.length > 0 && (
        <button
          type="button"
          className={`place ${here && rest.includes(here) ? "place-here" : ""}`}
          onClick={() => setOpen(true)}
        >
          <EllipsisOutlined />
          <span>{t("more")}</span>
        </button>
      )}
      <Drawer
        placement="bottom"
        open={open}
        onClose={() => setOpen(false)}
        title={t("more")}
        size={72 + rest.length * 52}
      >
        <div className="bottom-more">
          {rest.map((place) => (
            <Link key={place.path} to={place.path} className="place" onClick={() => setOpen(false)}>
              {place.icon}
              <span>{place.name}</span>
            </Link>
          ))}
        </div>
      </Drawer>
    </nav>
  );
}

function PlaceLink({ place, here }: { place: Place; here: boolean }) {
  return (
    <Link to={place.path} className={`place ${here ? "place-here" : ""}`} aria-current={here ? "page" : undefined}>
      {place.icon}
      <span>{place.short}</span>
    </Link>
  );
}
