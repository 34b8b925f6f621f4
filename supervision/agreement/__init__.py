"""How far raters agree, and how sure that is: pure functions over numbers, nothing of the database.

`ratings.Ratings` is the shape of the data (units by raters, with gaps); every coefficient answers with a `figures.Figure`: its
value, a 95 % interval, what it was counted from, or the reason why it does not apply.

percent, cohen, fleiss, krippendorff, gwet, icc   the coefficients
ranges                                            stretches of time: frames, boundaries, overlap
calibration, drift                                a rater against gold, and over time
wording                                           what may be said of a figure
report                                            all of them for one table, as JSON or text
"""
