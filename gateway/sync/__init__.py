"""Reading whole streams of business records into the hub's replica: fast where nothing changed, exact where something did."""
