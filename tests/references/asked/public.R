# The same questions of public data: public.csv. Run in this folder: Rscript public.R FOLDER. Rows of sleepstudy, Penicillin (lme4),
# Exam (mlmRev) and Oats (nlme) go to FOLDER, outside the repository: their licences are their own.
source("shared.R")
suppressPackageStartupMessages(library(mlmRev)); data(Oats, package = "nlme")
folder <- commandArgs(trailingOnly = TRUE)[1]
theirs <- list(
  sleepstudy = data.frame(y = sleepstudy$Reaction, x = sleepstudy$Days, g = as.character(sleepstudy$Subject)),
  exam = data.frame(y = Exam$normexam, x = Exam$standLRT, sex = as.character(Exam$sex), g = as.character(Exam$school)),
  penicillin = data.frame(y = Penicillin$diameter, plate = as.character(Penicillin$plate), sample = as.character(Penicillin$sample)),
  oats = data.frame(y = Oats$yield, nitro = Oats$nitro, block = as.character(Oats$Block), variety = as.character(Oats$Variety)))
for (name in names(theirs)) write.csv(theirs[[name]], file.path(folder, paste0(name, ".csv")), row.names = FALSE)
ask_emm <- function(model, question, e) { e <- summary(e, infer = c(FALSE, TRUE)); put(model, question, as.character(e[[1]]), e[[2]], e$SE, e$df, e$p.value) }

d <- theirs$sleepstudy; fit <- fitted_by(y ~ x + (1 + x | g), d)
new <- data.frame(x = c(0, 5, 12), g = c("308", "335", "372")); X <- cbind(1, new$x); V <- VarCorr(fit)$g
put("sleepstudy", "predict known", 0:2, predict(fit, new), errors(fit, X, z_matrix(fit, new, list(X))))
put("sleepstudy", "predict new", 0:2, predict(fit, new, re.form = NA), sqrt(fixed_errors(fit, X)^2 + rowSums((X %*% V) * X)))
put("sleepstudy", "outcome new", 0:2, predict(fit, new, re.form = NA), sqrt(fixed_errors(fit, X)^2 + rowSums((X %*% V) * X) + sigma(fit)^2))

d <- theirs$exam; fit <- fitted_by(y ~ x + sex + (1 + x | g), d)
new <- data.frame(x = c(-2, 0, 1.5), sex = c("F", "M", "F"), g = c("1", "17", "65")); X <- cbind(1, new$x, new$sex == "M"); Z <- X[, 1:2]
put("exam", "predict known", 0:2, predict(fit, new), errors(fit, X, z_matrix(fit, new, list(Z))))
e <- summary(pairs(emmeans(fit, ~ sex, lmer.df = "satterthwaite", lmerTest.limit = 5000), reverse = TRUE))
put("exam", "comparison of sex", "M - F", e$estimate, e$SE, e$df, e$p.value)

d <- theirs$penicillin; fit <- fitted_by(y ~ 1 + (1 | plate) + (1 | sample), d)
new <- data.frame(plate = c("a", "g", "x"), sample = c("A", "F", "C")); one <- matrix(1, 3, 1)
put("penicillin", "predict known", 0:2, predict(fit, new), errors(fit, one, z_matrix(fit, new, list(one, one))))
put("penicillin", "predict new", 0:2, predict(fit, new, re.form = NA), sqrt(fixed_errors(fit, one)^2 + as.numeric(VarCorr(fit)$plate) + as.numeric(VarCorr(fit)$sample)))

d <- theirs$oats; fit <- fitted_by(y ~ nitro + variety + (1 | block / variety), d)
e <- summary(emmeans(fit, ~ variety)); put("oats", "mean of variety", as.character(e$variety), e$emmean, e$SE)
e <- summary(pairs(emmeans(fit, ~ variety), adjust = "none", reverse = TRUE)); put("oats", "pairs of variety", gsub("[()]", "", as.character(e$contrast)), e$estimate, e$SE, e$df, e$p.value)
e <- summary(emtrends(fit, ~1, var = "nitro"), infer = c(FALSE, TRUE)); put("oats", "slope of nitro", "nitro", e$nitro.trend, e$SE, e$df, e$p.value)
write_answers("public.csv")
