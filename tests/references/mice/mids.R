# Our completed data sets read by mice. Run in this folder, once data/completed.csv is there (see
# README.md): Rscript mids.R   (writes mids.csv)
suppressMessages(library(mice))
options(digits = 17)
imp <- as.mids(read.csv("data/completed.csv"))
p <- pool(with(imp, lm(absence_mean ~ x)))$pooled
write.csv(data.frame(term = p$term, m = imp$m, n_imputed = nrow(imp$imp$absence_mean),
                     estimate = p$estimate, t = p$t, df = p$df), "mids.csv", row.names = FALSE)
