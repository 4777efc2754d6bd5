#!/bin/sh
# units: reads its table of units many times, converts thousands of quantities.
# package: units
prepare()
{
    seq 1 2500 | while read -r n; do
        printf '%s\n%s\n' "$n miles/hour" "m/s" "$((n % 40)) gallons" "liters" "tempF($n)" "tempC" \
            "$n kg m^2/s^2" "btu" "$n parsecs" "lightyears"
    done >work.txt
}

work()
{
    run units --digits 8 -q <"$IN/work.txt" | cksum
    for n in 1 2 3 4 5 6 7 8 9; do
        run units -t "$n furlongs per fortnight" 'mm/s'
    done
    run units --check | tail -3
    run units -t 'nonsense' 'm' || echo "exit status $?"
}
